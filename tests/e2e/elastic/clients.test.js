// The Elasticsearch dialect with the clients that its users have: OpenSearch's, and Elasticsearch's of 7, 8 and 9.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { Client as OpenSearch } from "@opensearch-project/opensearch";
import { Client as Es7 } from "es7";
import { Client as Es8 } from "es8";
import { Client as Es9 } from "es9";
import { API_KEY, Server } from "../server.js";

const repository = mkdtempSync(path.join(tmpdir(), "kumosearch-repo-"));
const options = ["--elastic-port", "0", "--elastic-path-repo", repository];
const server = new Server(options);
/// Elasticsearch's client of 7 asks who the server is, and talks to no other.
const seven = new Server([...options, "--elastic-compat", "es7"]);
const nodeOf = (which) => `http://127.0.0.1:${
    /Elasticsearch API listens on 127\.0\.0\.1:(\d+)/.exec(which.output)[1]}`;

/// What a client answers: some wrap the body.
const body = (answer) => answer.body ?? answer;

before(async () => {
    await server.start();
    await seven.start();
});

after(async () => {
    for (const which of [server, seven]) {
        const { code } = await which.end();
        which.remove();
        assert.equal(code, 0);
    }
    rmSync(repository, { recursive: true, force: true });
});

const clients = [
    ["opensearch", OpenSearch, true],
    ["elasticsearch 7", Es7, true],
    ["elasticsearch 8", Es8, false],
    ["elasticsearch 9", Es9, false],
];

for (const [name, Client, wrapped] of clients) {
    describe(name, () => {
        const index = `books-${name.replace(" ", "")}`;
        const running = Client === Es7 ? seven : server;
        let client;
        /// Newer clients take the members of a body beside the parameters.
        const request = (parameters, json) => (wrapped ? { ...parameters, body: json } : { ...parameters, ...json });

        before(() => {
            client = new Client({ node: nodeOf(running) });
        });

        after(() => client.close());

        it("makes an index and fills it in bulk", async () => {
            await client.indices.create(request({ index }, {
                settings: { number_of_shards: 1, number_of_replicas: 0 },
                mappings: { properties: { title: { type: "text" }, year: { type: "integer" }, tag: { type: "keyword" } } },
            }));
            const lines = [];
            for (let i = 0; i < 25; ++i) {
                lines.push({ index: { _index: index, _id: String(i) } },
                    { title: i % 2 ? "a brown fox" : "a lazy dog", year: 2000 + i, tag: `t${i % 3}` });
            }
            const made = body(await client.bulk(wrapped ? { refresh: true, body: lines } : { refresh: true, operations: lines }));
            assert.equal(made.errors, false);
            assert.equal(made.items.length, 25);
        });

        it("finds, filters and aggregates", async () => {
            const found = body(await client.search(request({ index }, {
                query: { bool: { must: [{ match: { title: "fox" } }], filter: [{ range: { year: { gte: 2010 } } }] } },
                sort: [{ year: "desc" }],
                aggs: { tags: { terms: { field: "tag" }, aggs: { newest: { max: { field: "year" } } } } },
                highlight: { fields: { title: {} } },
                size: 2,
            })));
            assert.equal(found.hits.total.value, 7);
            assert.deepEqual(found.hits.hits.map((hit) => hit._id), ["23", "21"]);
            assert.deepEqual(found.hits.hits[0].highlight.title, ["a brown <em>fox</em>"]);
            assert.equal(found.aggregations.tags.buckets.reduce((sum, bucket) => sum + bucket.doc_count, 0), 7);
        });

        it("scrolls through everything", async () => {
            let page = body(await client.search(request({ index, scroll: "1m" }, { size: 10, query: { match_all: {} } })));
            const ids = new Set();
            while (page.hits.hits.length > 0) {
                page.hits.hits.forEach((hit) => ids.add(hit._id));
                page = body(await client.scroll(request({}, { scroll_id: page._scroll_id, scroll: "1m" })));
            }
            assert.equal(ids.size, 25);
        });

        it("refuses what has changed meanwhile", async () => {
            const first = body(await client.get({ index, id: "1" }));
            await client.index(request({ index, id: "1", if_seq_no: first._seq_no, if_primary_term: first._primary_term },
                wrapped ? { title: "new" } : { document: { title: "new" } }));
            await assert.rejects(
                client.index(request({ index, id: "1", if_seq_no: first._seq_no, if_primary_term: first._primary_term },
                    wrapped ? { title: "newer" } : { document: { title: "newer" } })),
                (error) => error.statusCode === 409 || error.meta?.statusCode === 409);
            assert.equal(body(await client.get({ index, id: "1" }))._source.title, "new");
            await assert.rejects(client.get({ index, id: "nobody" }),
                (error) => (error.statusCode ?? error.meta.statusCode) === 404);
        });

        it("changes documents by scripts, as a task behind its answer", async () => {
            await client.update(request({ index, id: "3", refresh: true },
                { script: { source: "ctx._source.year += params.by", params: { by: 100 } } }));
            assert.equal(body(await client.get({ index, id: "3" }))._source.year, 2103);
            const begun = body(await client.updateByQuery(request({ index, wait_for_completion: false, refresh: true }, {
                query: { term: { tag: "t1" } },
                script: { source: "if (ctx._source.year > 2020) { ctx.op = 'noop' } else { ctx._source.old = true }" },
            })));
            const done = body(await client.tasks.get({ task_id: begun.task, wait_for_completion: true }));
            assert.equal(done.completed, true);
            assert.equal(done.response.total, done.response.updated + done.response.noops);
            assert.ok(done.response.noops > 0 && done.response.updated > 0);
            const found = body(await client.search(request({ index }, {
                query: { script_score: { query: { exists: { field: "year" } }, script: { source: "doc['year'].value" } } },
                script_fields: { next: { script: "doc['year'].value + 1" } }, size: 1,
            })));
            assert.equal(found.hits.hits[0]._score, 2103);
            assert.deepEqual(found.hits.hits[0].fields.next, [2104]);
        });

        it("takes a snapshot and restores it under another name", async () => {
            const repo = `repo-${index}`;
            await client.snapshot.createRepository(wrapped
                ? { repository: repo, body: { type: "fs", settings: { location: repo } } }
                : name.endsWith("9") || name.endsWith("8")
                    ? { name: repo, repository: { type: "fs", settings: { location: repo } } }
                    : { repository: repo });
            const taken = body(await client.snapshot.create(request(
                { repository: repo, snapshot: "one", wait_for_completion: true }, { indices: index })));
            assert.equal(taken.snapshot.state, "SUCCESS");
            await client.snapshot.restore(request({ repository: repo, snapshot: "one", wait_for_completion: true },
                { indices: index, rename_pattern: "(.+)", rename_replacement: "restored-$1" }));
            assert.equal(body(await client.count({ index: `restored-${index}` })).count, 25);
        });

        it("is a collection of the other dialect, too", async () => {
            const response = await fetch(
                `http://127.0.0.1:${running.port}/collections/${index}/documents/search?q=fox&query_by=title`,
                { headers: { "x-kumosearch-api-key": API_KEY } });
            assert.equal(response.status, 200);
            assert.ok((await response.json()).found > 0);
        });
    });
}

describe("bad input", () => {
    const answers = async (method, route, text, status) => {
        const response = await fetch(nodeOf(server) + route, { method, body: text, headers: { "content-type": "application/json" } });
        const json = await response.json();
        assert.equal(response.status, status, `${method} ${route}: ${JSON.stringify(json)}`);
        return json;
    };

    it("gets the API's errors, and the connection stays", async () => {
        await answers("GET", "/nothing/_search", undefined, 404);
        await answers("POST", "/_search", "{", 400);
        await answers("POST", "/_search", '{"query":{"nonsense":{}}}', 400);
        await answers("POST", "/_search", '[1]', 400);
        await answers("POST", "/_search", '{"size":-1}', 400);
        await answers("POST", "/_search", '{"from":10000}', 400);
        await answers("POST", "/_bulk", "{}\n", 400);
        await answers("POST", "/_bulk", '{"index":{"_index":"x"}}\n', 400);
        await answers("POST", "/_bulk", '{"index":{"_index":"x"}}\n{"a":1}', 400);
        await answers("PUT", "/Upper", undefined, 400);
        await answers("PUT", "/x/_doc/" + "a".repeat(513), "{}", 400);
        await answers("PUT", "/broken", '{"mappings":{"properties":{"a":{"type":"tekst"}}}}', 400);
        await answers("PUT", "/broken", '{"settings":{"number_of_shards":0}}', 400);
        await answers("PATCH", "/_search", undefined, 405);
        await answers("GET", "/_cluster/health?timeout=x", undefined, 400);
        const deep = '{"query":'.repeat(500) + "1" + "}".repeat(500);
        await answers("POST", "/_search", deep, 400);
        await answers("PUT", "/scripted/_doc/1?refresh=true", '{"n":1}', 201);
        for (const source of ["while (true) {}", "ctx._source.n = ".repeat(300) + "1", "((((", "throw 1", "x.y.z",
            "def s = 'aaaaaaaa'; while (true) { s += s }"]) {
            const json = await answers("POST", "/scripted/_update/1", JSON.stringify({ script: source }), 400);
            assert.equal(json.error.type, "script_exception", source);
        }
        await answers("POST", "/_render/template", '{"source":"{{#a}}"}', 400);
        await answers("GET", "/_tasks/nobody:1", undefined, 404);
        await answers("GET", "/_tasks/nobody", undefined, 400);
        assert.equal((await answers("GET", "/", undefined, 200)).version.number, "2.19.0");
    });
});
