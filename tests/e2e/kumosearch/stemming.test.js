// Stems, dictionaries of them, languages, infixes and BM25 with the npm client.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";

const server = new Server();

before(() => server.start());

after(async () => {
    await server.end();
    server.remove();
});

test("dictionaries are imported, shown, kept and removed", async () => {
    const words = [{ root: "goose", word: "geese" }, { root: "person", word: "people" }];
    const dictionaries = () => server.client().stemming.dictionaries();
    assert.deepEqual(await dictionaries().upsert("plurals", words), words);
    await server.restart("SIGKILL");
    assert.deepEqual(await dictionaries().retrieve(), { dictionaries: ["plurals"] });
    assert.deepEqual(await server.client().stemming.dictionaries("plurals").retrieve(), { id: "plurals", words });
    await assert.rejects(dictionaries().upsert("bad", [{ word: "x" }]), { httpStatus: 400 });
    assert.equal((await server.fetch("/stemming/dictionaries/plurals", { method: "DELETE" })).status, 200);
    await assert.rejects(server.client().stemming.dictionaries("plurals").retrieve(), { httpStatus: 404 });
});

const found = async (collection, q, options = {}) => {
    const answer = await server.client().collections(collection).documents()
        .search({ q, query_by: "title", num_typos: 0, ...options });
    return answer.hits.map((hit) => [hit.document.id, hit.highlight.title?.snippet]);
};

test("fields have stems, of their language or of a dictionary, also after a crash", async () => {
    let client = server.client();
    await client.stemming.dictionaries().upsert("irregular", [{ root: "goose", word: "geese" }]);
    for (const [name, properties] of [["snowball", { stem: true }], ["roots", { stem_dictionary: "irregular" }]]) {
        await client.collections().create({ name, fields: [{ name: "title", type: "string", ...properties }] });
        await client.collections(name).documents().import([{ id: "1", title: "Running geese" }, { id: "2", title: "run" }]);
    }
    await server.fetch("/stemming/dictionaries/irregular", { method: "DELETE" });
    const check = async () => {
        assert.deepEqual((await found("snowball", "runs")), [["2", "<mark>run</mark>"], ["1", "<mark>Running</mark> geese"]]);
        assert.deepEqual(await found("roots", "goose"), [["1", "Running <mark>geese</mark>"]]);
    };
    await check();
    await server.restart("SIGKILL");
    client = server.client();
    await check();
    await client.collections("roots").documents().create({ id: "3", title: "two geese" });
    assert.equal((await found("roots", "goose")).length, 2, "what the dictionary said then");
    const made = await client.collections("roots").retrieve();
    assert.deepEqual([made.fields[0].stem, made.fields[0].stem_dictionary], [true, "irregular"]);
    await assert.rejects(
        client.collections().create({ name: "x", fields: [{ name: "t", type: "string", stem: true, locale: "xx" }] }),
        { httpStatus: 400 }
    );
});

test("Chinese needs no settings, infixes and BM25 are asked for", async () => {
    const client = server.client();
    await client.collections().create({ name: "texts", num_shards: 2, fields: [{ name: "title", type: "string", infix: true }] });
    await client.collections("texts").documents().import([
        { id: "1", title: "舉頭望明月" }, { id: "2", title: "月明星稀" }, { id: "3", title: "part AX-4471-B of a pump" },
        { id: "4", title: "a pump" }, { id: "5", title: "a b c" }]);
    assert.deepEqual(await found("texts", "举头望明月"), [["1", "<mark>舉頭望明月</mark>"]]);
    assert.deepEqual(await found("texts", "明月"), [["1", "舉頭望<mark>明月</mark>"]]);
    assert.deepEqual(await found("texts", "4471", { infix: "fallback" }), [["3", "part AX-<mark>4471</mark>-B of a pump"]]);
    assert.deepEqual((await found("texts", "what is a pump", { text_match_type: "bm25" })).map(([id]) => id), ["4", "3", "5"]);
});
