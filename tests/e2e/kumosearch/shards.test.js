// A collection over several shards is one collection to the npm client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";
import { books, ids, schema } from "./books.js";

const server = new Server();
let client;

before(async () => {
    await server.start();
    client = server.client();
});

after(async () => {
    await server.end();
    server.remove();
});

const documents = () => client.collections("books").documents();
const search = (parameters) => documents().search(parameters);

test("num_shards is taken, checked and shown", async () => {
    for (const num_shards of [0, 65, "2", 1.5]) {
        await assert.rejects(client.collections().create({ ...schema, num_shards }), (error) => {
            assert.equal(error.httpStatus, 400);
            assert.match(error.message, /`num_shards` must be an integer from 1 to 64/);
            return true;
        });
    }
    assert.equal((await client.collections().create({ ...schema, num_shards: 4 })).num_shards, 4);
    assert.equal((await client.collections("books").retrieve()).num_shards, 4);
    assert.equal("num_shards" in await client.collections().create({ ...schema, name: "one" }), false);
});

test("an import is answered in the order of its lines", async () => {
    const lines = [...books, books[0], { id: "x", title: "no year" }];
    await assert.rejects(documents().import(lines, { action: "create" }), (error) => {
        const results = error.importResults ?? error.payload?.importResults;
        assert.deepEqual(results.map((one) => one.success),
            [true, true, true, true, true, true, false, false]);
        assert.equal(results[6].code, 409);
        assert.match(results[7].error, /not found in the document/);
        return true;
    });
    assert.equal((await client.collections("books").retrieve()).num_documents, 6);
});

for (const when of ["", " after kill -9"]) {
    test(`a search is one over all shards${when}`, async () => {
        if (when) {
            await server.restart("SIGKILL");
            client = server.client();
        }
        assert.equal(ids(await search({ q: "*", sort_by: "year:desc" })), "4 6 5 3 2 1");
        assert.equal(ids(await search({ q: "*", sort_by: "year:asc", per_page: 2, page: 2 })), "3 5");
        assert.equal(ids(await search({ q: "gods", query_by: "title" })), "4 5");
        assert.equal(ids(await search({ q: "dispossesed", query_by: "title" })), "2");
        const result = await search({ q: "*", facet_by: "authors,year", filter_by: "year:>1970" });
        assert.equal(result.found, 5);
        assert.equal(result.out_of, 6);
        const [authors, year] = result.facet_counts;
        assert.deepEqual(authors.counts.map((one) => [one.value, one.count]).slice(0, 2),
            [["Neil Gaiman", 2], ["Terry Pratchett", 2]]);
        assert.equal(year.stats.min, 1974);
    });
}

test("documents without an id get one that finds them", async () => {
    for (let i = 0; i < 10; ++i) {
        const { id: _, ...book } = books[0];
        const { id } = await documents().create({ ...book, year: 1 });
        assert.equal((await client.collections("books").documents(id).retrieve()).year, 1);
    }
    assert.deepEqual(await documents().delete({ filter_by: "year:1" }), { num_deleted: 10 });
});

test("documents one by one, by query, exported", async () => {
    const one = () => client.collections("books").documents("7");
    await documents().create({ ...books[0], id: "7", year: 2000 });
    assert.equal((await one().update({ year: 2010 })).year, 2010);
    assert.equal((await one().retrieve()).year, 2010);
    assert.deepEqual(await documents().update({ rating: 1 }, { filter_by: "year:>1990" }), { num_updated: 4 });
    assert.equal((await one().delete()).id, "7");
    await assert.rejects(one().retrieve(), { httpStatus: 404 });
    const text = await documents().export();
    assert.deepEqual(text.split("\n").map((line) => JSON.parse(line).id).sort(), ["1", "2", "3", "4", "5", "6"]);
});

test("every shard is shown to operators, and all go with the collection", async () => {
    const shards = async () => {
        const response = await server.fetch("/operations/cluster");
        return (await response.json()).shards.filter((shard) => shard.collection === "books").length;
    };
    assert.equal(await shards(), 4);
    assert.equal((await client.collections("books").delete()).num_documents, 6);
    assert.equal(await shards(), 0);
    await assert.rejects(search({ q: "*" }), { httpStatus: 404 });
});
