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
