// What people do with the npm client, before and after a restart.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Server } from "../server.js";
import { books, ids, schema } from "./books.js";

const server = new Server();
let client;
let searchKey;

before(async () => {
    await server.start();
    client = server.client();
});

after(async () => {
    await server.end();
    server.remove();
});

test("health and debug", async () => {
    assert.deepEqual(await client.health.retrieve(), { ok: true });
    const debug = await client.debug.retrieve();
    assert.equal(debug.state, 1);
    assert.match(debug.version, /^30\./);
});

test("a collection is created", async () => {
    const made = await client.collections().create(schema);
    assert.equal(made.num_documents, 0);
    assert.equal(made.fields.length, 6);
    await assert.rejects(client.collections().create(schema), { httpStatus: 409 });
});

test("an import answers its bad lines in place", async () => {
    const lines = [...books, books[0], { id: "x", title: "no year" }];
    await assert.rejects(
        client.collections("books").documents().import(lines, { action: "create" }),
        (error) => {
            assert.equal(error.name, "ImportError");
            const results = error.importResults ?? error.payload?.importResults;
            assert.equal(results.length, 8);
            assert.deepEqual(results.map((one) => one.success),
                [true, true, true, true, true, true, false, false]);
            assert.equal(results[6].code, 409);
            assert.match(results[7].error, /not found in the document/);
            return true;
        });
    assert.equal((await client.collections("books").retrieve()).num_documents, 6);
});

test("keys are made", async () => {
    const key = await client.keys().create({
        description: "search only", actions: ["documents:search"], collections: ["books"],
    });
    assert.equal(key.value.length, 32);
    searchKey = key.value;
});

function searches(when) {
    describe(`searches ${when}`, () => {
        const search = (parameters) => client.collections("books").documents().search(parameters);

        test("with typos", async () => {
            assert.equal(ids(await search({ q: "dispossesed", query_by: "title" })), "2");
            assert.equal(ids(await search({ q: "amercan gods", query_by: "title" })), "4");
            assert.equal((await search({ q: "dispossesed", query_by: "title", num_typos: 0 })).found, 0);
        });

        test("by prefix", async () => {
            assert.equal(ids(await search({ q: "ome", query_by: "title" })), "3");
            assert.equal((await search({ q: "ome", query_by: "title", prefix: false, num_typos: 0 })).found, 0);
        });

        test("folding accents", async () => {
            assert.equal(ids(await search({ q: "cafe", query_by: "title" })), "6");
        });

        test("filtered", async () => {
            const filtered = (filter_by) => search({ q: "*", filter_by, sort_by: "year:asc" }).then(ids);
            assert.equal(await filtered("year:>1990"), "5 6 4");
            assert.equal(await filtered("year:[1969..1974] && rating:>4.15"), "2");
            assert.equal(await filtered("authors:gaiman && in_print:true"), "3");
            assert.equal(await filtered("authors:=`Neil Gaiman`"), "3 4");
            assert.equal(await filtered("(year:1969 || year:2001) && sold:>1000"), "4");
            assert.equal(await filtered("id:[1, 3]"), "1 3");
            assert.equal(await filtered("authors:!=Neil Gaiman"), "1 2 5 6");
            assert.equal(await filtered("title:goo*"), "3");
        });

        test("faceted", async () => {
            const result = await search({ q: "gods", query_by: "title", facet_by: "authors,year" });
            assert.equal(result.found, 2);
            const [authors, year] = result.facet_counts;
            assert.deepEqual(authors.counts.map((one) => [one.value, one.count]).sort(),
                [["Neil Gaiman", 1], ["Terry Pratchett", 1]]);
            assert.equal(year.stats.min, 1992);
            assert.equal(year.stats.avg, 1996.5);
        });

        test("sorted", async () => {
            const sorted = (sort_by) => search({ q: "*", sort_by }).then(ids);
            assert.equal(await sorted("year:desc"), "4 6 5 3 2 1");
            assert.equal(await sorted("rating:asc"), "6 4 1 2 3 5");
            assert.equal(ids(await search({ q: "gods", query_by: "title" })), "4 5");
            assert.equal(ids(await search({ q: "gods", query_by: "title", sort_by: "year:asc" })), "5 4");
        });

        test("in pages, with fields", async () => {
            const page = await search({ q: "*", sort_by: "year:asc", per_page: 2, page: 2, include_fields: "id,title" });
            assert.equal(page.found, 6);
            assert.deepEqual(page.hits.map((hit) => hit.document),
                [{ id: "3", title: "Good Omens" }, { id: "5", title: "Small Gods" }]);
        });

        test("highlighted", async () => {
            const [hit] = (await search({ q: "omens", query_by: "title" })).hits;
            assert.equal(hit.highlight.title.snippet, "Good <mark>Omens</mark>");
            assert.deepEqual(hit.highlights[0].matched_tokens, ["Omens"]);
        });

        test("several at once", async () => {
            const { results } = await client.multiSearch.perform(
                { searches: [{ collection: "books", q: "gods" }, { collection: "none", q: "a" }] },
                { query_by: "title" });
            assert.equal(results[0].found, 2);
            assert.equal(results[1].code, 404);
        });

        test("with a search key and a scoped key", async () => {
            const limited = server.client(searchKey);
            const all = await limited.collections("books").documents().search({ q: "*" });
            assert.equal(all.found, 6);
            await assert.rejects(limited.collections().retrieve(), { httpStatus: 401 });
            await assert.rejects(limited.collections("books").documents("1").delete(), { httpStatus: 401 });
            const scoped = server.client(
                client.keys().generateScopedSearchKey(searchKey, { filter_by: "authors:gaiman" }));
            const found = await scoped.collections("books").documents()
                .search({ q: "*", filter_by: "year:>1995" });
            assert.equal(ids(found), "4");
            const expired = server.client(
                client.keys().generateScopedSearchKey(searchKey, { expires_at: 1000 }));
            await assert.rejects(
                expired.collections("books").documents().search({ q: "*" }), { httpStatus: 401 });
        });
    });
}

searches("on fresh data");

test("documents one by one", async () => {
    const documents = client.collections("books").documents();
    const made = await documents.create({ ...books[0], id: "7", year: 2000 });
    assert.equal(made.id, "7");
    assert.equal((await client.collections("books").documents("7").update({ year: 2010 })).year, 2010);
    assert.equal((await client.collections("books").documents("7").retrieve()).year, 2010);
    assert.equal((await documents.upsert({ ...books[1], id: "7" })).title, "The Dispossessed");
    assert.equal((await client.collections("books").documents("7").delete()).id, "7");
    await assert.rejects(client.collections("books").documents("7").retrieve(), { httpStatus: 404 });
});

test("export gives back what was imported", async () => {
    const text = await client.collections("books").documents().export();
    const byId = (a, b) => a.id.localeCompare(b.id);
    assert.deepEqual(text.split("\n").map(JSON.parse).sort(byId), books);
});

test("update and delete by query", async () => {
    const documents = client.collections("books").documents();
    await documents.create({ ...books[0], id: "8", year: 3000 });
    await documents.create({ ...books[0], id: "9", year: 3000 });
    assert.deepEqual(
        await documents.update({ rating: 1 }, { filter_by: "year:3000" }), { num_updated: 2 });
    assert.deepEqual(
        await documents.delete({ filter_by: "year:3000 && rating:1" }), { num_deleted: 2 });
});

test("the server ends when told to and starts with all there was", async () => {
    assert.deepEqual(await server.end(), { code: 0, signal: null });
    await server.start();
    client = server.client();
    assert.equal((await client.collections("books").retrieve()).num_documents, 6);
});

searches("after a restart");

test("everything acknowledged is there after kill -9", async () => {
    const documents = client.collections("books").documents();
    const added = Array.from({ length: 500 }, (_, i) => ({ ...books[0], id: `k${i}`, year: 1 }));
    await documents.import(added, { action: "create" });
    await server.restart("SIGKILL");
    client = server.client();
    assert.equal((await client.collections("books").retrieve()).num_documents, 506);
    assert.deepEqual(
        await client.collections("books").documents().delete({ filter_by: "year:1" }),
        { num_deleted: 500 });
});

searches("after kill -9");

test("a collection that was searched goes, and searches of others go on", async () => {
    for (let round = 0; round < 8; ++round) {
        await client.collections().create({ ...schema, name: "short" });
        await client.collections("short").documents().import(books);
        await Promise.all(Array.from({ length: 8 }, () =>
            client.collections("short").documents().search({ q: "gods", query_by: "title" })));
        await client.collections("short").delete();
        await client.collections("books").documents().search({ q: "gods", query_by: "title" });
    }
    assert.equal((await client.collections().retrieve()).length, 1);
});

test("keys and collections go", async () => {
    const { keys } = await client.keys().retrieve();
    assert.equal(keys.length, 1);
    assert.equal(keys[0].value, undefined);
    assert.equal(keys[0].value_prefix, searchKey.slice(0, 4));
    await client.keys(keys[0].id).delete();
    await assert.rejects(
        server.client(searchKey).collections("books").documents().search({ q: "*" }),
        { httpStatus: 401 });
    assert.equal((await client.collections("books").delete()).name, "books");
    await assert.rejects(client.collections("books").retrieve(), { httpStatus: 404 });
});
