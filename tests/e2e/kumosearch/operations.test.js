// What operators ask for, at a server that runs: metrics, settings, logs, the cache, compaction.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { API_KEY, Server } from "../server.js";
import { books, schema } from "./books.js";

const server = new Server();
let client;

before(async () => {
    server.options = ["--log-dir", server.directory, "--enable-access-logging", "--health-rusage-api-key", "usage"];
    await server.start();
    client = server.client();
    await client.collections().create(schema);
    await client.collections("books").documents().import(books);
});

after(async () => {
    await server.end();
    server.remove();
});

const search = (parameters) =>
    client.collections("books").documents().search({ q: "gods", query_by: "title", ...parameters });

const log = () => readFileSync(path.join(server.directory, "kumosearch.log"), "utf8");

const config = async (body) => {
    const answer = await server.fetch("/config", { method: "POST", body: JSON.stringify(body) });
    return [answer.status, await answer.json()];
};

test("/metrics is what Prometheus reads", async () => {
    await search({});
    const answer = await fetch(server.url("/metrics"), { headers: { authorization: `Bearer ${API_KEY}` } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const text = await answer.text();
    const families = new Map();
    for (const line of text.trimEnd().split("\n")) {
        const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
        if (type) {
            assert.ok(!families.has(type[1]), `twice: ${line}`);
            families.set(type[1], type[2]);
        } else if (!line.startsWith("# HELP ")) {
            const sample = /^([a-z_0-9]+)(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (\S+)$/.exec(line);
            assert.ok(sample, `no sample: ${line}`);
            assert.ok(sample[4] === "+Inf" || Number.isFinite(Number(sample[4])), line);
            const family = sample[1].replace(/_(bucket|sum|count)$/, "");
            assert.ok(families.has(sample[1]) || families.get(family) === "histogram", `of no family: ${line}`);
        }
    }
    for (const name of ["kumosearch_documents", "kumosearch_memory_resident_bytes", "process_resident_memory_bytes",
        "kumosearch_system_disk_total_bytes", "process_cpu_seconds_total", "process_start_time_seconds"]) {
        assert.ok(families.has(name), name);
    }
    assert.match(text, new RegExp(`^kumosearch_collection_documents\\{collection="books"\\} ${books.length}$`, "m"));
    const started = Number(/^process_start_time_seconds (\S+)$/m.exec(text)[1]);
    assert.ok(started > 1e9 && started <= Date.now() / 1000 + 2, `${started}`);
});

test("/metrics.json and /stats.json", async () => {
    const metrics = await client.metrics.retrieve();
    for (const name of ["system_cpu_active_percentage", "system_disk_total_bytes", "system_disk_used_bytes",
        "system_memory_total_bytes", "system_memory_used_bytes", "system_memory_total_swap_bytes",
        "system_memory_used_swap_bytes", "system_network_received_bytes", "system_network_sent_bytes",
        "typesense_memory_active_bytes", "typesense_memory_allocated_bytes", "typesense_memory_fragmentation_ratio",
        "typesense_memory_mapped_bytes", "typesense_memory_metadata_bytes", "typesense_memory_resident_bytes",
        "typesense_memory_retained_bytes"]) {
        assert.match(metrics[name], /^\d+(\.\d+)?$/, name);
    }
    const stats = await client.stats.retrieve();
    assert.equal(stats.pending_write_batches, 0);
    assert.equal(typeof stats.cache_hit_ratio, "number");
});

test("/health_with_rusage", async () => {
    const ask = async (key, query = "") => {
        const headers = { "x-typesense-api-key": key };
        return (await fetch(server.url(`/health_with_rusage${query}`), { headers })).status;
    };
    assert.equal(await ask("usage"), 200);
    assert.equal(await ask(API_KEY, "?cpu_threshold=101"), 200);
    assert.equal(await ask(API_KEY, "?cpu_threshold=-1"), 503);
    assert.equal(await ask("wrong"), 401);
});

test("settings change while it runs, and the log says what they ask for", async () => {
    assert.deepEqual(await config({ "enable-search-logging": true, "log-slow-searches-time-ms": 0 }),
        [201, { success: true }]);
    await search({ q: "american gods" });
    await client.multiSearch.perform({ searches: [{ collection: "books", q: "omens", query_by: "title",
        "x-typesense-api-key": API_KEY }] });
    await config({ "enable-search-logging": false, "log-slow-searches-time-ms": -1, "log-slow-requests-time-ms": 0 });
    await client.collections("books").retrieve();
    await config({ "log-slow-requests-time-ms": -1 });
    assert.match(log(), /access: 127\.0\.0\.1 GET \/collections\/books\/documents\/search 200 \d+ ms/);
    assert.match(log(), /search: 127\.0\.0\.1 GET \/collections\/books\/documents\/search\?q=american gods&query_by=title/);
    assert.match(log(), /slow search: \d+ ms, 200, 127\.0\.0\.1 POST \/multi_search\?.*q=omens/);
    assert.match(log(), /slow request: \d+ ms, 200, 127\.0\.0\.1 GET \/collections\/books/);
    assert.ok(!log().includes(API_KEY), "no key in the log");
    assert.equal((await config({ "skip-writes": "yes" }))[0], 400);
});

test("skip-writes", async () => {
    await config({ "skip-writes": true });
    await assert.rejects(client.collections("books").documents().create({ ...books[0], id: "x" }), { httpStatus: 422 });
    assert.ok((await search({})).found > 0);
    await config({ "skip-writes": false });
    await client.collections("books").documents().create({ ...books[0], id: "x" });
    await client.collections("books").documents("x").delete();
});

test("a cached answer ends with the next write", async () => {
    const cached = server.client();
    cached.configuration.useServerSideSearchCache = true;
    const found = async () =>
        (await cached.collections("books").documents().search({ q: "zebra", query_by: "title" }, {})).found;
    for (let i = 0; i < 20; ++i) {
        assert.equal(await found(), i % 2);
        assert.equal(await found(), i % 2);
        if (i % 2 === 0) {
            await client.collections("books").documents().create({ ...books[0], id: "z", title: "Zebra" });
        } else {
            await client.collections("books").documents("z").delete();
        }
    }
    assert.ok((await client.stats.retrieve()).cache_hit_count >= 20);
    assert.deepEqual(await client.operations.perform("cache/clear"), { success: true });
});

test("compaction", async () => {
    assert.deepEqual(await client.operations.perform("db/compact"), { success: true });
    assert.equal((await client.collections("books").retrieve()).num_documents, books.length);
});

test("memory that is used up refuses writes", async () => {
    const tight = new Server(["--memory-used-max-percentage", "0"]);
    await tight.start();
    try {
        assert.deepEqual(await (await tight.fetch("/health")).json(), { ok: false, resource_error: "OUT_OF_MEMORY" });
        await assert.rejects(tight.client().collections().create(schema),
            { httpStatus: 422, message: /OUT_OF_MEMORY/ });
    } finally {
        await tight.end();
        tight.remove();
    }
});
