// Fields of a collection that has documents, changed by the npm client.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Server } from "../server.js";
import { books, schema } from "./books.js";

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

const collection = () => client.collections("books");
const found = async (parameters) => (await collection().documents().search(parameters)).found;
const names = async () => (await collection().retrieve()).fields.map(({ name }) => name);

beforeEach(async () => {
    await collection().delete().catch(() => {});
    await client.collections().create(schema);
    await collection().documents().import(books);
});

test("a field is added, found, facetted and sorted by", async () => {
    const total = await found({ q: "*" });
    await collection().documents().create({ ...books[0], id: "new", pages: 123, genre: "Fantasy" });
    const change = { fields: [
        { name: "pages", type: "int32", optional: true },
        { name: "genre", type: "string", facet: true, optional: true }] };
    assert.deepEqual(await collection().update(change), change);
    assert.equal(await found({ q: "*", filter_by: "pages:>100" }), 1);
    assert.equal(await found({ q: "fantasy", query_by: "genre" }), 1);
    assert.equal(await found({ q: "*", sort_by: "pages:desc", facet_by: "genre" }), total + 1);
    assert.deepEqual(await client.operations.getSchemaChanges(), []);
});

test("a field is dropped, and one changes its type", async () => {
    await collection().update({ fields: [
        { name: "year", drop: true }, { name: "year", type: "string", facet: true }] });
    assert.equal(await found({ q: "*", facet_by: "year", filter_by: "year:=`1990`" }), 1);
    await collection().update({ fields: [{ name: "year", drop: true }] });
    assert.ok(!(await names()).includes("year"));
    await assert.rejects(found({ q: "*", filter_by: "year:1990" }), /Could not find a filter field/);
    // It is all there after a restart.
    await server.end();
    await server.start();
    client = server.client();
    assert.ok(!(await names()).includes("year"));
});

test("what does not fit changes nothing", async () => {
    const before = await names();
    await assert.rejects(
        collection().update({ fields: [
            { name: "title", drop: true }, { name: "title", type: "int32" }] }),
        (error) => {
            assert.equal(error.httpStatus, 400);
            assert.match(error.message, /Existing data for field `title` cannot be coerced into an int32/);
            return true;
        });
    await assert.rejects(
        collection().update({ fields: [{ name: "isbn", type: "string" }] }),
        /`isbn` has been declared in the schema, but is not found in the documents already present/);
    assert.deepEqual(await names(), before);
    assert.equal(await found({ q: "gods", query_by: "title" }), 2);
});

test("fields are found by their first values", async () => {
    await client.collections().create({ name: "found", fields: [
        { name: "title", type: "string" },
        { name: ".*_facet", type: "auto", facet: true },
        { name: ".*", type: "auto" }] });
    const documents = client.collections("found").documents();
    await documents.create({ id: "1", title: "A", color_facet: ["red"], size: 7, ok: true });
    const imported = await documents.import(
        [{ id: "2", title: "B", color_facet: "blue", size: "8" }, { id: "3", title: "C", size: "x" }],
        { throwOnFail: false }).catch((error) => error.importResults);
    assert.deepEqual(imported.map(({ success }) => success), [true, false]);
    assert.match(imported[1].error, /Field `size` must be an int64/);
    const result = await documents.search({
        q: "*", filter_by: "size:>6", sort_by: "size:desc", facet_by: "color_facet" });
    assert.equal(result.hits.map(({ document }) => document.id).join(), "2,1");
    assert.deepEqual(result.facet_counts[0].counts.map(({ value }) => value).sort(), ["blue", "red"]);
    const types = Object.fromEntries((await client.collections("found").retrieve()).fields
        .map(({ name, type }) => [name, type]));
    assert.deepEqual(types, { title: "string", ".*_facet": "auto", ".*": "auto",
        color_facet: "string[]", size: "int64", ok: "bool" });
    await server.restart("SIGKILL");
    client = server.client();
    assert.equal((await client.collections("found").retrieve()).fields.length, 6);
    assert.equal((await client.collections("found").documents()
        .search({ q: "*", filter_by: "size:8" })).found, 1);
});

test("values inside objects are fields", async () => {
    await client.collections().create({ name: "people", enable_nested_fields: true, fields: [
        { name: "name", type: "object" },
        { name: "jobs", type: "object[]", facet: true, optional: true },
        { name: "home.zip", type: "int32" }] });
    const documents = client.collections("people").documents();
    await documents.import([
        { id: "1", name: { first: "Ada", last: "Lovelace" }, home: { zip: 1 },
            jobs: [{ title: "writer", years: 3 }, { title: "analyst", years: 9 }] },
        { id: "2", name: { first: "Alan", last: "Turing" }, home: { zip: 2 },
            jobs: [{ title: "writer", years: 9 }, { title: "analyst", years: 3 }] }]);
    const search = (parameters) => documents.search({ query_by: "name", ...parameters });
    const hits = (result) => result.hits.map(({ document }) => document.id).join();
    assert.equal(hits(await search({ q: "turing" })), "2");
    assert.equal(hits(await search({ q: "*", filter_by: "home.zip:<2" })), "1");
    assert.equal(hits(await search({ q: "*", filter_by: "jobs.{title:=analyst && years:>5}" })), "1");
    assert.equal(hits(await search({ q: "*", filter_by: "jobs.title:=analyst && jobs.years:>5" })), "2,1");
    const shown = await search({ q: "lovelace", include_fields: "name.last,jobs.title",
        facet_by: "jobs.title" });
    assert.deepEqual(shown.hits[0].document,
        { name: { last: "Lovelace" }, jobs: [{ title: "writer" }, { title: "analyst" }] });
    assert.deepEqual(shown.hits[0].highlight,
        { name: { last: { matched_tokens: ["Lovelace"], snippet: "<mark>Lovelace</mark>" } } });
    assert.equal(shown.facet_counts[0].counts.length, 2);
    await documents.update({ name: { last: "Byron" } }, { filter_by: "id:1" });
    assert.deepEqual((await client.collections("people").documents("1").retrieve()).name,
        { first: "Ada", last: "Byron" });
    await assert.rejects(documents.create({ id: "3", name: "x", home: { zip: 3 } }),
        /Field `name` must be an object/);
});
