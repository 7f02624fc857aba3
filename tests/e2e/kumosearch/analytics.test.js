// Analytics, as the npm client uses them: rules, events, flushes, restarts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { API_KEY, Server } from "../server.js";
import { books, schema } from "./books.js";

const server = new Server(["--enable-search-analytics", "--analytics-minute-rate-limit", "1000000"]);
let client;

before(async () => {
    await server.start();
    client = server.client();
    await client.collections().create({
        ...schema, fields: [...schema.fields, { name: "clicks", type: "int32", optional: true }] });
    await client.collections("books").documents().import(books);
    await client.collections().create({ name: "queries", fields: [
        { name: "q", type: "string" }, { name: "count", type: "int32" }] });
});

after(async () => {
    await server.end();
    server.remove();
});

const post = async (path, body) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        method: "POST", headers: { "x-typesense-api-key": API_KEY }, body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
};
const flush = async () => assert.equal((await post("/analytics/flush", {})).status, 200);
const counted = async () => {
    const { hits } = await client.collections("queries").documents().search({
        q: "*", sort_by: "count:desc", per_page: 250 });
    return Object.fromEntries(hits.map(({ document }) => [document.q, document.count]));
};

test("rules are made, listed, changed and deleted", async () => {
    const rule = await client.analytics.rules().create({
        name: "popular", type: "popular_queries", collection: "books", event_type: "search",
        params: { destination_collection: "queries", limit: 100000 } });
    assert.equal(rule.name, "popular");
    await client.analytics.rules().create({
        name: "clicks", type: "counter", collection: "books", event_type: "click",
        params: { counter_field: "clicks", weight: 2 } });
    await client.analytics.rules().create({
        name: "visits", type: "log", collection: "books", event_type: "visit" });
    await client.analytics.rules().create({
        name: "gone", type: "log", collection: "books", event_type: "custom" });
    await client.analytics.rules("gone").delete();
    assert.deepEqual((await client.analytics.rules().retrieve()).map((one) => one.name).sort(),
        ["clicks", "popular", "visits"]);
    assert.equal((await client.analytics.rules("clicks").retrieve()).params.weight, 2);
    await assert.rejects(client.analytics.rules().create({
        name: "wrong", type: "counter", collection: "books", event_type: "click", params: {} }));
});

test("events count in documents and are logged", async () => {
    await client.analytics.events().create({
        name: "clicks", event_type: "click", data: { doc_id: "1", user_id: "u" } });
    await client.analytics.events().create({
        name: "clicks", event_type: "click", data: { doc_ids: ["1", "2"], user_id: "u" } });
    await client.analytics.events().create({
        name: "visits", event_type: "visit", data: { doc_id: "3", user_id: "u" } });
    await flush();
    assert.equal((await client.collections("books").documents("1").retrieve()).clicks, 4);
    assert.equal((await client.collections("books").documents("2").retrieve()).clicks, 2);
    const { events } = await client.analytics.events().retrieve({ user_id: "u", name: "visits", n: 10 });
    assert.deepEqual(events.map((one) => one.doc_id), ["3"]);
    await assert.rejects(client.analytics.events().create({
        name: "none", event_type: "click", data: { doc_id: "1", user_id: "u" } }), /Rule not found/);
});

test("what is not flushed is there after a restart, and counts once", async () => {
    for (const q of ["one", "two", "one"]) {
        await client.analytics.events().create({
            name: "popular", event_type: "search", data: { q, user_id: "u" } });
    }
    await server.restart();
    client = server.client();
    await flush();
    assert.deepEqual(await counted(), { one: 2, two: 1 });
    await server.restart("SIGKILL");
    client = server.client();
    assert.deepEqual(await counted(), { one: 2, two: 1 });
    assert.equal((await client.analytics.rules().retrieve()).length, 3);
});

test("events that another server has logged are taken", async () => {
    const { status, body } = await post("/analytics/aggregate_events", [
        { name: "visits", user_id: "elsewhere", timestamp: 1, event_type: "visit", doc_id: "5" }]);
    assert.deepEqual([status, body], [200, { ok: true }]);
    const { events } = await client.analytics.events().retrieve({
        user_id: "elsewhere", name: "visits", n: 10 });
    assert.deepEqual(events.map((one) => one.doc_id), ["5"]);
    assert.equal((await post("/analytics/aggregate_events", [{ name: "visits" }])).status, 400);
});

test("a flush of more than one write holds loses nothing", async () => {
    const DOCUMENTS = 12000;
    const doc_ids = Array.from({ length: DOCUMENTS }, (_, i) => `many-${i}`);
    await client.collections("books").documents().import(
        doc_ids.map((id) => ({ ...books[0], id, clicks: 0 })));
    for (let first = 0; first < DOCUMENTS; first += 500) {
        await client.analytics.events().create({
            name: "clicks", event_type: "click",
            data: { doc_ids: doc_ids.slice(first, first + 500), user_id: "u" } });
    }
    await flush();
    const { found } = await client.collections("books").documents().search({
        q: "*", filter_by: "id:[`many-0`, `many-11999`] || clicks:2", per_page: 0 });
    assert.equal(found, DOCUMENTS + 1);  // And the one that was counted before.
});
