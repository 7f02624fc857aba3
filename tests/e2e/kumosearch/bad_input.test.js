// What must not hurt the server, however it is meant.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { API_KEY, Server } from "../server.js";
import { books, schema } from "./books.js";

const server = new Server();
const documents = "/collections/books/documents";

before(async () => {
    await server.start();
    const client = server.client();
    await client.collections().create(schema);
    await client.collections("books").documents().import(books);
});

after(async () => {
    // After all of it: still healthy, nothing more or less in it, and a clean end.
    const collection = await (await server.fetch("/collections/books")).json();
    assert.equal(collection.num_documents, books.length);
    assert.deepEqual(await server.end(), { code: 0, signal: null });
    server.remove();
});

async function refused(target, body, status = 400) {
    const answer = await server.fetch(target, { method: "POST", body });
    const { message } = await answer.json();
    assert.equal(answer.status, status, message);
    assert.ok(message.length > 5);
    return message;
}

/** A connection that sends exactly what it is told. */
function raw(bytes) {
    const socket = net.connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(bytes);
    return socket;
}

const importHead = `POST ${documents}/import HTTP/1.1\r\nHost: localhost\r\n`
    + `X-TYPESENSE-API-KEY: ${API_KEY}\r\n`;

test("malformed JSON", async () => {
    for (const body of ["", "{", "[]", "nonsense", '{"a":1}}', "{\"title\": \"\u0000\"}", '{"a":NaN}']) {
        await refused(documents, body);
        await refused("/collections", body);
        await refused("/multi_search", body);
        await refused("/keys", body);
    }
});

test("invalid UTF-8", async () => {
    const body = Buffer.concat([Buffer.from('{"title":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}')]);
    await refused(documents, body);
    const answer = await server.fetch(`${documents}/import`, { method: "POST", body });
    const line = JSON.parse(await answer.text());
    assert.equal(line.success, false);
    assert.equal((await server.fetch(`${documents}/search?q=%ff%fe&query_by=title`)).status, 400);
});

test("wrong types and giant numbers", async () => {
    const book = (change) => JSON.stringify({ ...books[0], id: "bad", ...change });
    assert.match(await refused(documents, book({ title: 5 })), /must be a string/);
    assert.match(await refused(documents, book({ authors: "x" })), /must be an array/);
    assert.match(await refused(documents, book({ year: "1990" })), /must be an int32/);
    assert.match(await refused(documents, book({ year: 2 ** 31 })), /exceeds maximum value of int32/);
    assert.match(await refused(documents, book({ year: 1.5 })), /must be an int32/);
    assert.match(await refused(documents, book({ rating: {} })), /must be a float/);
    assert.match(await refused(documents, book({ id: 7 })), /should be a string/);
    await refused(documents, book({}).replace('"sold":900', '"sold":99999999999999999999'));
    await refused(documents, book({}).replace('"rating":4.1', '"rating":1e400'));
});

test("deep nesting", async () => {
    await refused(documents, "[".repeat(1_000_000));
    await refused(documents, '{"a":'.repeat(200_000) + "1" + "}".repeat(200_000));
    await refused("/multi_search", `{"searches":${"[".repeat(100_000)}`);
    const filter = encodeURIComponent("(".repeat(3000) + "year:1");
    assert.equal((await server.fetch(`${documents}/search?q=*&filter_by=${filter}`)).status, 400);
});

test("absurd parameters", async () => {
    for (const parameters of [
        "per_page=251", "per_page=-1", "per_page=99999999999999999999", "page=18446744073709551615",
        "query_by=nothing&q=a", "sort_by=year", "sort_by=year:up", "facet_by=nothing",
        "num_typos=9&query_by=title&q=a", "filter_by=year:", "filter_by=year:%26%26",
        "filter_by=" + "year:1||".repeat(200) + "year:1", "pinned_hits=x", "drop_tokens_mode=x",
        "facet_by=year(a:[5,1])", "limit_hits=x", "search_cutoff_ms=x",
    ]) {
        const answer = await server.fetch(`${documents}/search?q=*&${parameters}`);
        assert.ok(answer.status >= 400 && answer.status < 500, `${parameters}: ${answer.status}`);
        assert.ok((await answer.json()).message.length > 5);
    }
    const long = await server.fetch(`${documents}/search?q=${"a".repeat(4001)}`);
    assert.equal(long.status, 400);
});

test("a body that is too large for its route", async () => {
    const answer = await server.fetch("/keys", {
        method: "POST", body: "x".repeat(40 * 1024 * 1024),
    }).catch((error) => error);
    // The connection may break while the client still sends; an answer, if read, says why.
    assert.ok(answer instanceof Error || answer.status === 413);
});

test("a line of 100 MB among good ones", async () => {
    const line = Buffer.alloc(100 * 1024 * 1024, "x");
    const body = Buffer.concat([
        Buffer.from(JSON.stringify({ ...books[0], year: 1970 }) + "\n"), line,
        Buffer.from("\n" + JSON.stringify(books[1]))]);
    const answer = await server.fetch(`${documents}/import?action=upsert`, { method: "POST", body });
    const lines = (await answer.text()).split("\n").map(JSON.parse);
    assert.deepEqual(lines.map((one) => one.success), [true, false, true]);
    assert.match(lines[1].error, /longer than/);
});

test("half-sent bodies and heads", async () => {
    const sockets = [];
    for (let i = 0; i < 50; ++i) {
        sockets.push(raw(`${importHead}Content-Length: 1000000\r\n\r\n{"id":"half`));
        sockets.push(raw("GET /health HTTP/1.1\r\nHo"));
        sockets.push(raw(`${importHead}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a"`));
    }
    assert.deepEqual(await (await fetch(server.url("/health"))).json(), { ok: true });
    for (const socket of sockets) {
        socket.destroy();
    }
    assert.equal((await server.fetch("/collections/books")).status, 200);
});

test("what is not HTTP", async () => {
    for (const bytes of ["\x16\x03\x01\x02\x00", "*1\r\n$4\r\nPING\r\n", "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"]) {
        const socket = raw(bytes);
        const answer = await new Promise((resolve) => {
            let text = "";
            socket.on("data", (data) => { text += data; });
            socket.on("close", () => resolve(text));
            socket.end();
        });
        assert.ok(answer === "" || /^HTTP\/1\.1 4\d\d /.test(answer), answer);
    }
});

test("a client that reads nothing does not hold up others", async () => {
    const big = Array.from({ length: 4000 }, (_, i) => JSON.stringify(
        { ...books[0], id: `big${i}`, year: 7777, title: "word ".repeat(400) })).join("\n");
    const imported = await server.fetch(`${documents}/import`, { method: "POST", body: big });
    assert.equal((await imported.text()).split("\n").length, 4000);
    const sockets = [];
    for (let i = 0; i < 5; ++i) {
        const socket = raw(`GET ${documents}/export HTTP/1.1\r\nHost: localhost\r\n`
            + `X-TYPESENSE-API-KEY: ${API_KEY}\r\n\r\n`);
        socket.pause();
        sockets.push(socket);
    }
    const found = await (await server.fetch(`${documents}/search?q=omens&query_by=title`)).json();
    assert.equal(found.found, 1);
    for (const socket of sockets) {
        socket.destroy();
    }
    const gone = await server.fetch(`${documents}?filter_by=year:7777`, { method: "DELETE" });
    assert.deepEqual(await gone.json(), { num_deleted: 4000 });
});

test("CORS, HEAD and unknown routes", async () => {
    const preflight = await fetch(server.url("/collections"), {
        method: "OPTIONS", headers: { Origin: "http://a", "Access-Control-Request-Method": "POST" },
    });
    assert.equal(preflight.status, 200);
    assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
    assert.equal((await fetch(server.url("/health"), { method: "HEAD" })).status, 200);
    assert.equal((await server.fetch("/nothing/here")).status, 404);
    assert.equal((await server.fetch("/conversations/models", { method: "POST" })).status, 501);
    assert.equal((await fetch(server.url("/collections"))).status, 401);
});
