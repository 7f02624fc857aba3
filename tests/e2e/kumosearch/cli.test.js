// kumosearch-cli at a server that runs: what scripts use.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { API_KEY, Server } from "../server.js";
import { books, schema } from "./books.js";

const binary = path.join(path.dirname(process.env.KUMO_SERVER), "kumosearch-cli");
const server = new Server();

before(async () => {
    await server.start();
    await server.client().collections().create(schema);
});

after(async () => {
    await server.end();
    server.remove();
});

/** Runs the program to its end; standard input is `input`. */
const cli = (args, { input = "", key = API_KEY, url = server.url("") } = {}) => new Promise((resolve) => {
    const child = spawn(binary, args, { env: { ...process.env, KUMOSEARCH_URL: url, KUMOSEARCH_API_KEY: key } });
    let out = "";
    let err = "";
    child.stdout.on("data", (bytes) => { out += bytes; });
    child.stderr.on("data", (bytes) => { err += bytes; });
    child.on("close", (code) => resolve({ code, out, err }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
});

const file = (name) => path.join(server.directory, name);

test("import and export give the same documents", async () => {
    const input = books.map((book) => JSON.stringify(book)).join("\n");
    const loaded = await cli(["import", "books", "-"], { input });
    assert.equal(loaded.code, 0, loaded.err);
    assert.match(loaded.out, new RegExp(`^${books.length} documents loaded in `));
    const exported = await cli(["export", "books"]);
    assert.equal(exported.code, 0, exported.err);
    const byId = (a, b) => a.id.localeCompare(b.id);
    const lines = exported.out.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.sort(byId), [...books].sort(byId));
    const some = await cli(["export", "books", file("some.jsonl"), "--filter", `id:${books[0].id}`, "--fields", "id"]);
    assert.equal(some.code, 0, some.err);
    assert.equal(some.out, "");
    assert.deepEqual(JSON.parse(readFileSync(file("some.jsonl"), "utf8")), { id: books[0].id });
});

test("CSV has the types of the collection", async () => {
    await server.client().collections().create({ name: "things", fields: [
        { name: "name", type: "string" }, { name: "size", type: "int32" }, { name: "price", type: "float" },
        { name: "tags", type: "string[]", facet: true }, { name: "new", type: "bool", optional: true }] });
    writeFileSync(file("things.csv"),
        'id,name,size,price,tags,new\r\n1,"Chair, wooden",3,9.5,home;wood,true\r\n2,"A ""good"" one",4,10,[],\r\n3,bad,big,1,x,\r\n');
    const loaded = await cli(["import", "things", file("things.csv"), "--errors", file("bad.jsonl")]);
    assert.equal(loaded.code, 1);
    assert.match(loaded.out, /^2 documents loaded in .*, 1 failed; see /);
    assert.equal(JSON.parse(readFileSync(file("bad.jsonl"), "utf8")).line, 4);
    const documents = server.client().collections("things").documents();
    assert.deepEqual(await documents.search({ q: "*", sort_by: "size:asc" }).then((r) => r.hits.map((h) => h.document)), [
        { id: "1", name: "Chair, wooden", size: 3, price: 9.5, tags: ["home", "wood"], new: true },
        { id: "2", name: 'A "good" one', size: 4, price: 10, tags: [] }]);
});

test("an import that is broken off goes on", async () => {
    const client = server.client();
    await client.collections().create({ name: "many", fields: [{ name: "n", type: "int32" }] });
    const count = 50000;
    writeFileSync(file("many.jsonl"), Array.from({ length: count }, (_, n) => `{"id":"${n}","n":${n}}\n`).join(""));
    const args = ["import", "many", file("many.jsonl"), "--action", "upsert", "--resume", file("many.state")];
    const child = spawn(binary, args, { env: { ...process.env, KUMOSEARCH_URL: server.url(""), KUMOSEARCH_API_KEY: API_KEY } });
    const ended = new Promise((resolve) => child.on("close", resolve));
    for (let line = 0; line < 10000;) {
        await new Promise((resolve) => setImmediate(resolve));
        try {
            line = JSON.parse(readFileSync(file("many.state"), "utf8")).line;
        } catch {
            assert.equal(child.exitCode, null, "it ended without having been broken off");
        }
    }
    child.kill("SIGKILL");
    await ended;
    const rest = await cli(args);
    assert.equal(rest.code, 0, rest.err);
    assert.match(rest.out, /documents before, 0 failed/);
    assert.equal((await client.collections("many").retrieve()).num_documents, count);
});

test("a key for a script", async () => {
    const made = await cli(["key", "create", "--description", "web", "--actions", "documents:search", "--collections", "books"]);
    assert.equal(made.code, 0, made.err);
    const key = made.out.trim();
    assert.match(key, /^[A-Za-z0-9]{32}$/);
    const found = await cli(["search", "books", "gods", "--query-by", "title", "--json"], { key });
    assert.ok(JSON.parse(found.out).found > 0);
    assert.equal((await cli(["status"], { key })).code, 1);
});

test("exit codes and messages", async () => {
    assert.equal((await cli(["status"])).code, 0);
    const refused = await cli(["search", "none", "x"]);
    assert.equal(refused.code, 1);
    assert.equal(refused.out, "");
    assert.match(refused.err, /^kumosearch-cli: /);
    assert.equal((await cli(["import", "books", "/no/such/file"])).code, 2);
    assert.equal((await cli(["imp"])).code, 2);
    assert.equal((await cli(["export", "books"], { url: "http://127.0.0.1:1" })).code, 3);
    for (const shell of ["bash", "zsh", "fish"]) {
        const script = await cli(["completion", shell]);
        assert.equal(script.code, 0);
        assert.match(script.out, /kumosearch-cli/);
    }
});
