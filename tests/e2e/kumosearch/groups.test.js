// Groups, unions and the orders of sort_by, as the npm client asks for them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";
import { books, ids, schema } from "./books.js";

const server = new Server(["--max-group-limit", "5"]);
let client;

before(async () => {
    await server.start();
    client = server.client();
    await client.collections().create({ ...schema, num_shards: 3 });
    await client.collections("books").documents().import(books);
});

after(async () => {
    await server.end();
    server.remove();
});

const search = (parameters) => client.collections("books").documents().search(parameters);

/** The key and the ids of each group. */
const groups = (result) => result.grouped_hits.map(
    (group) => `${JSON.stringify(group.group_key)} ${ids(group)}`);

test("hits are grouped over all shards", async () => {
    const result = await search({ q: "*", group_by: "authors", group_limit: 1, facet_by: "authors" });
    assert.deepEqual(groups(result), [
        '[["Terry Pratchett","Neil Gaiman"]] 3', '[["Neil Gaiman"]] 4', '[["Terry Pratchett"]] 5',
        '[["Ursula K. Le Guin"]] 1', '[["Slavenka Drakulić"]] 6']);
    assert.equal(result.found, 5);
    assert.equal(result.found_docs, 6);
    assert.equal(result.grouped_hits[3].found, 2);
    assert.equal(result.hits, undefined);
    const counts = Object.fromEntries(
        result.facet_counts[0].counts.map(({ value, count }) => [value, count]));
    assert.deepEqual(counts, {
        "Neil Gaiman": 2, "Terry Pratchett": 2, "Ursula K. Le Guin": 1, "Slavenka Drakulić": 1 });
});

test("groups are found by words, sorted by size and paged", async () => {
    const found = await search({ q: "gods", query_by: "title", group_by: "authors" });
    assert.deepEqual(groups(found), ['[["Neil Gaiman"]] 4', '[["Terry Pratchett"]] 5']);
    assert.match(found.grouped_hits[0].hits[0].highlights[0].snippet, /<mark>Gods<\/mark>/);
    const largest = await search({
        q: "*", group_by: "authors", sort_by: "_group_found:desc,year:asc", per_page: 1, page: 1 });
    assert.deepEqual(groups(largest), ['[["Ursula K. Le Guin"]] 1 2']);
});

test("group_limit has the limit of the server", async () => {
    await assert.rejects(search({ q: "*", group_by: "authors", group_limit: 6 }), (error) => {
        assert.equal(error.httpStatus, 422);
        assert.match(error.message, /must be between 1 and 5/);
        return true;
    });
});

test("a union is one list of hits", async () => {
    const searches = [
        { collection: "books", q: "*", filter_by: "year:<1980", sort_by: "year:asc" },
        { collection: "books", q: "*", filter_by: "year:>1970 && year:<1993", sort_by: "year:asc" },
    ];
    const result = await client.multiSearch.perform({ union: true, searches }, { per_page: 3 });
    assert.equal(ids(result), "1 2 3");
    assert.equal(result.found, 4);
    assert.equal(result.union_request_params.length, 2);
    assert.equal(result.union_request_params[0].per_page, 3);
    const next = await client.multiSearch.perform(
        { union: true, searches }, { per_page: 3, page: 2 });
    assert.equal(ids(next), "5");
    searches[1].sort_by = "rating:asc";
    await assert.rejects(client.multiSearch.perform({ union: true, searches }), (error) => {
        assert.equal(error.httpStatus, 400);
        assert.match(error.message, /search 1 sorts by `float:asc/);
        return true;
    });
});

test("sort_by takes conditions, decay functions and seeds", async () => {
    assert.equal(
        ids(await search({ q: "*", sort_by: "_eval([(year:>2000):3,(in_print:true):2]):desc,year:asc" })),
        "4 2 3 5 1 6");
    assert.equal(
        ids(await search({ q: "*", sort_by: "year(origin: 1991, func: gauss, scale: 5):desc,year:asc" })),
        "3 5 6 4 2 1");
    const shuffled = (seed) => search({ q: "*", sort_by: `_rand(${seed}):asc` }).then(ids);
    assert.equal(await shuffled(3), await shuffled(3));
    assert.ok(new Set(await Promise.all([1, 2, 3, 4, 5].map(shuffled))).size > 1);
});
