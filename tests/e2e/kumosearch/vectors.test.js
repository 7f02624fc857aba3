// Vectors, as the npm client asks for them: enough of them for a graph.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";
import { ids } from "./books.js";

const server = new Server();
let client;

/** Points of a spiral; neighbours are near each other. */
const vector = (i) => [Math.cos(i / 40), Math.sin(i / 40), i / 4000, 0.5];

before(async () => {
    await server.start();
    client = server.client();
    await client.collections().create({
        name: "spiral",
        fields: [
            { name: "title", type: "string" },
            { name: "even", type: "bool" },
            { name: "vec", type: "float[]", num_dim: 4, hnsw_params: { M: 8, ef_construction: 100 } },
        ],
    });
    const documents = Array.from({ length: 3000 }, (_, i) => (
        { id: `${i}`, title: `point number${i}`, even: i % 2 === 0, vec: vector(i) }));
    const results = await client.collections("spiral").documents().import(documents);
    assert.ok(results.every((result) => result.success));
});

after(async () => {
    await server.end();
    server.remove();
});

const search = (parameters) => client.multiSearch.perform(
    { searches: [{ collection: "spiral", q: "*", exclude_fields: "vec", ...parameters }] })
    .then(({ results }) => results[0]);

const same = async () => {
    const near = await search({ vector_query: `vec:([${vector(1500).join(", ")}], k: 3)` });
    assert.equal(near.found, 3);
    assert.deepEqual(near.hits.map((hit) => hit.document.id).sort(), ["1499", "1500", "1501"]);
    assert.equal(near.hits[0].document.id, "1500");
    assert.ok(Math.abs(near.hits[0].vector_distance) < 1e-5);
    assert.equal(near.hits[0].document.vec, undefined);
    const odd = await search({
        vector_query: "vec:([], id: 700, k: 2)", filter_by: "even:false" });
    assert.deepEqual(odd.hits.map((hit) => hit.document.id).sort(), ["699", "701"]);
};

test("the nearest are found, of the live segment", same);

test("and by the graph of a sealed one, after a restart too", async () => {
    await client.operations.perform("snapshot");
    await same();
    await server.restart("SIGKILL");
    client = server.client();
    await same();
});

test("words and a vector are searched as one", async () => {
    const result = await search({
        q: "number42", query_by: "title", num_typos: 0, prefix: false,
        vector_query: `vec:([${vector(2000).join(", ")}], k: 1, alpha: 0.4)` });
    assert.equal(ids(result), "42 2000");
    assert.deepEqual(
        result.hits.map((hit) => hit.hybrid_search_info.rank_fusion_score.toFixed(2)), ["0.60", "0.40"]);
    assert.ok(result.hits[1].vector_distance < 1e-5);
});

test("wrong vectors are refused", async () => {
    const result = await search({ vector_query: "vec:([1, 2])" });
    assert.deepEqual(result, { code: 400, error: "Query field `vec` must have 4 dimensions." });
    await assert.rejects(
        client.collections("spiral").documents().create({ title: "x", even: true, vec: [1] }),
        /Field `vec` must have 4 dimensions/);
});

test("what words find is sorted by how far it is from a vector", async () => {
    const found = await search({
        q: "point", query_by: "title", filter_by: "even:true", per_page: 3,
        sort_by: `_vector_query(vec:([${vector(1500).join(", ")}])):asc` });
    assert.equal(found.found, 1500);
    assert.deepEqual(found.hits.map((hit) => hit.document.id).sort(), ["1498", "1500", "1502"]);
    assert.equal(found.hits[0].document.id, "1500");
    const named = await search({ sort_by: "even:asc,_vector_query(vec:([], id: 700)):asc", per_page: 2 });
    assert.deepEqual(named.hits.map((hit) => hit.document.id).sort(), ["699", "701"]);
    const missing = await search({ sort_by: "_vector_query(vec:([], id: nobody)):asc" });
    assert.equal(missing.code, 404);
    const wrong = await search({ sort_by: "_vector_query(vec:([1, 2])):asc" });
    assert.equal(wrong.code, 400);
});
