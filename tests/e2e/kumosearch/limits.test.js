// Rules of who may ask how often, beside the npm client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";
import { books, schema } from "./books.js";

const server = new Server();
let client;

before(async () => {
    await server.start();
    client = server.client();
    await client.collections().create(schema);
    await client.collections("books").documents().import(books);
});

after(async () => {
    await server.end();
    server.remove();
});

const limits = async (method, target, body) => {
    const answer = await server.fetch(target, { method, body: body && JSON.stringify(body) });
    return [answer.status, await answer.json()];
};

test("a key that searches too often is refused, others are not", async () => {
    const key = await client.keys().create({ description: "s", actions: ["documents:search"], collections: ["*"] });
    const [status, added] = await limits("POST", "/limits",
        { action: "throttle", api_keys: [key.value], max_requests_1m: 5, priority: 1 });
    assert.equal(status, 200);
    assert.equal(added.message, "Rule added successfully.");
    assert.ok(!JSON.stringify(added).includes(key.value), "the key is not shown");
    const documents = server.client(key.value).collections("books").documents();
    const search = () => documents.search({ q: "gods", query_by: "title" });
    for (let i = 0; i < 5; ++i) {
        await search();
    }
    await assert.rejects(search(), { httpStatus: 429, message: /Rate limit exceeded or blocked/ });
    await client.collections("books").documents().search({ q: "gods", query_by: "title" });
    const [, exceeds] = await limits("GET", "/limits/exceeds");
    assert.equal(exceeds.length, 1);
    assert.ok(exceeds[0].request_count >= 1);
    assert.deepEqual(await limits("DELETE", `/limits/exceeds/${exceeds[0].id}`), [200, { id: exceeds[0].id }]);
    await search();
});

test("rules survive a restart", async () => {
    const [, before] = await limits("GET", "/limits");
    assert.equal(before.length, 1);
    await server.restart();
    client = server.client();
    assert.deepEqual((await limits("GET", "/limits"))[1], before);
    const id = before[0].id;
    assert.deepEqual((await limits("GET", `/limits/${id}`))[1], before[0]);
    assert.deepEqual(await limits("DELETE", `/limits/${id}`), [200, { id }]);
    assert.deepEqual(await limits("GET", "/limits/active"), [200, []]);
    assert.equal((await limits("GET", `/limits/${id}`))[0], 404);
});

test("a block of everybody leaves the way back", async () => {
    const [, added] = await limits("POST", "/limits", { action: "block", ip_addresses: [".*"] });
    await assert.rejects(client.collections().retrieve(), { httpStatus: 429 });
    assert.equal((await fetch(server.url("/health"))).status, 200);
    await limits("DELETE", `/limits/${added.rule.id}`);
    await client.collections().retrieve();
});
