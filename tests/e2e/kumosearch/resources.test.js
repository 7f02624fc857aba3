// Aliases, presets, stopwords, synonyms and curations, as the npm client knows them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";
import { books, ids, schema } from "./books.js";

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

const search = (parameters, collection = "books") =>
    client.collections(collection).documents().search({ query_by: "title", prefix: false, num_typos: 0, ...parameters });

test("an alias is a collection", async () => {
    const shown = { name: "current", collection_name: "books" };
    assert.deepEqual(await client.aliases().upsert("current", { collection_name: "books" }), shown);
    assert.deepEqual(await client.aliases().retrieve(), { aliases: [shown] });
    assert.deepEqual(await client.aliases("current").retrieve(), shown);
    assert.equal(ids(await search({ q: "omens" }, "current")), "3");
    assert.equal((await client.collections("current").retrieve()).name, "books");
    await client.collections("current").documents().create({ ...books[0], id: "9" });
    assert.equal((await client.collections("books").documents("9").delete()).id, "9");
    await assert.rejects(client.aliases("none").retrieve(), { httpStatus: 404 });
});

test("a preset", async () => {
    const value = { query_by: "title", sort_by: "year:asc" };
    assert.deepEqual(await client.presets().upsert("by_year", { value }), { name: "by_year", value });
    assert.deepEqual(await client.presets("by_year").retrieve(), { name: "by_year", value });
    const found = await client.collections("books").documents().search({ q: "gods", preset: "by_year" });
    assert.equal(ids(found), "5 4");
    const { results } = await client.multiSearch.perform(
        { searches: [{ collection: "books", q: "gods", preset: "by_year" }] });
    assert.equal(ids(results[0]), "5 4");
});

test("stopwords", async () => {
    const set = { id: "articles", stopwords: ["the", "a"], locale: "en" };
    assert.deepEqual(await client.stopwords().upsert("articles", { stopwords: ["the", "a"], locale: "en" }), set);
    assert.deepEqual(await client.stopwords("articles").retrieve(), { stopwords: set });
    assert.deepEqual(await client.stopwords().retrieve(), { stopwords: [set] });
    assert.equal((await search({ q: "the gods", drop_tokens_threshold: 0 })).found, 0);
    assert.equal((await search({ q: "the gods", drop_tokens_threshold: 0, stopwords: "articles" })).found, 2);
});

test("synonyms, in sets and of the collection", async () => {
    const items = [{ id: "a", root: "deities", synonyms: ["gods"] }];
    assert.deepEqual(await client.synonymSets("words").upsert({ items }), { items, name: "words" });
    assert.equal((await client.synonymSets().retrieve()).length, 1);
    assert.equal((await search({ q: "deities" })).found, 0);
    assert.equal((await search({ q: "deities", synonym_sets: "words" })).found, 2);
    await client.collections("books").update({ synonym_sets: ["words"] });
    assert.deepEqual((await client.collections("books").retrieve()).synonym_sets, ["words"]);
    assert.equal((await search({ q: "deities" })).found, 2);
    const own = { synonyms: ["portents", "omens"] };
    await client.collections("books").synonyms().upsert("b", own);
    assert.deepEqual((await client.collections("books").synonyms().retrieve()).synonyms, [{ id: "b", root: "", ...own }]);
    assert.equal(ids(await search({ q: "good portents" })), "3");
});

test("curations, in sets and of the collection", async () => {
    const item = { id: "best", rule: { query: "best", match: "exact" }, includes: [{ id: "6", position: 1 }], metadata: { banner: 1 } };
    const set = await client.curationSets("shelf").upsert({ items: [item] });
    assert.equal(set.name, "shelf");
    assert.deepEqual(set.items[0].includes, item.includes);
    await client.collections("books").update({ curation_sets: ["shelf"] });
    const best = await search({ q: "best" });
    assert.equal(ids(best), "6");
    assert.equal(best.hits[0].curated, true);
    assert.deepEqual(best.metadata, { banner: 1 });
    await client.collections("books").overrides().upsert("gods", {
        rule: { query: "gods by {authors}", match: "contains" }, filter_by: "authors:=`{authors}`", remove_matched_tokens: true,
    });
    assert.equal((await client.collections("books").overrides().retrieve()).overrides.length, 1);
    assert.equal(ids(await search({ q: "gods by neil gaiman", drop_tokens_threshold: 1 })), "4");
});

test("everything is there after kill -9, and goes", async () => {
    await server.restart("SIGKILL");
    client = server.client();
    assert.equal(ids(await search({ q: "omens" }, "current")), "3");
    assert.equal((await search({ q: "deities" })).found, 2);
    assert.equal(ids(await search({ q: "best" })), "6");
    assert.deepEqual(await client.aliases("current").delete(), { name: "current", collection_name: "books" });
    assert.equal((await client.presets("by_year").delete()).name, "by_year");
    assert.deepEqual(await client.stopwords("articles").delete(), { id: "articles" });
    assert.deepEqual(await client.synonymSets("words").delete(), { name: "words" });
    assert.deepEqual(await client.curationSets("shelf").delete(), { name: "shelf" });
    assert.deepEqual(await client.collections("books").synonyms("b").delete(), { id: "b" });
    assert.deepEqual(await client.collections("books").overrides("gods").delete(), { id: "gods" });
    await assert.rejects(search({ q: "omens" }, "current"), { httpStatus: 404 });
    assert.equal((await search({ q: "deities" })).found, 0);
});
