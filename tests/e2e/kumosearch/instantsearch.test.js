// InstantSearch with the adapter for this API: what its widgets ask for and are given.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { API_KEY, Server } from "../server.js";
import { books, schema } from "./books.js";

globalThis.window ??= globalThis; // The adapter's bundle is for browsers.
globalThis.self ??= globalThis;
const require = createRequire(import.meta.url);
const instantsearch = require("instantsearch.js").default;
const connectors = require("instantsearch.js/cjs/connectors");
const bundle = require("typesense-instantsearch-adapter/dist/typesense-instantsearch-adapter.js");
const Adapter = bundle.default ?? bundle;

const server = new Server();
let adapter;

before(async () => {
    await server.start();
    const client = server.client();
    const fields = schema.fields.map((field) =>
        ["rating", "in_print"].includes(field.name) ? { ...field, facet: true } : field);
    fields.push({ name: "place", type: "geopoint", optional: true });
    await client.collections().create({ ...schema, fields });
    await client.collections("books").documents().import(
        books.map((book, i) => ({ ...book, place: [48 + i, 2] })));
    adapter = new Adapter({
        server: {
            apiKey: API_KEY,
            nodes: [{ host: "127.0.0.1", port: server.port, protocol: "http" }],
            cacheSearchResultsForSeconds: 0,
        },
        geoLocationField: "place",
        additionalSearchParameters: { query_by: "title,authors" },
    });
});

after(async () => {
    await server.end();
    server.remove();
});

/** What widgets ({ name: [connector, options] }) render when the search is done. */
async function render(widgets, state = {}) {
    const rendered = {};
    const search = instantsearch({
        indexName: "books",
        searchClient: adapter.searchClient,
        initialUiState: { books: state },
    });
    search.addWidgets(Object.entries(widgets).map(([name, [connector, options]]) =>
        connectors[connector]((given) => { rendered[name] = given; })(options ?? {})));
    try {
        await new Promise((resolve, reject) => {
            search.on("error", reject);
            search.on("render", () => {
                if (search.status === "idle" && search.helper.lastResults) {
                    resolve();
                }
            });
            search.start();
        });
    } finally {
        search.dispose();
    }
    return rendered;
}

const ids = (rendered) => rendered.hits.items.map((hit) => hit.objectID).join(" ");

test("hits are highlighted", async () => {
    const rendered = await render({ hits: ["connectHits"], box: ["connectSearchBox"] }, { query: "gods" });
    assert.equal(ids(rendered), "4 5");
    const [hit] = rendered.hits.items;
    assert.deepEqual(hit._highlightResult.title,
        { value: "American <mark>Gods</mark>", matchLevel: "full", matchedWords: ["Gods"] });
    assert.equal(hit._highlightResult.authors[0].matchLevel, "none");
});

test("a refined attribute counts what else there is", async () => {
    const rendered = await render(
        {
            hits: ["connectHits"],
            list: ["connectRefinementList", { attribute: "authors" }],
            menu: ["connectMenu", { attribute: "year" }],
        },
        { refinementList: { authors: ["Neil Gaiman"] } });
    assert.equal(ids(rendered), "3 4");
    assert.deepEqual(
        rendered.list.items.map(({ value, count, isRefined }) => [value, count, isRefined]),
        [["Neil Gaiman", 2, true], ["Terry Pratchett", 2, false], ["Ursula K. Le Guin", 2, false],
            ["Slavenka Drakulić", 1, false]]);
    assert.deepEqual(rendered.menu.items.map(({ value }) => value).sort(), ["1990", "2001"]);
});

test("ranges, numeric menus and toggles", async () => {
    const rendered = await render(
        {
            hits: ["connectHits"],
            range: ["connectRange", { attribute: "year" }],
            rating: ["connectNumericMenu",
                { attribute: "rating", items: [{ label: "all" }, { label: "good", start: 4.15 }] }],
            toggle: ["connectToggleRefinement", { attribute: "in_print" }],
        },
        {
            range: { year: "1970:1995" },
            numericMenu: { rating: "4.15:" },
            toggle: { in_print: true },
        });
    assert.equal(ids(rendered), "3 5 2");
    assert.deepEqual(rendered.range.range, { min: 1974, max: 1992 });
    assert.equal(rendered.toggle.value.isRefined, true);
});

test("orders and pages", async () => {
    const rendered = await render(
        {
            hits: ["connectHits"],
            sort: ["connectSortBy", {
                items: [{ label: "sold", value: "books" }, { label: "year", value: "books/sort/year:asc" }] }],
            pages: ["connectPagination"],
            per: ["connectHitsPerPage", { items: [{ label: "2", value: 2, default: true }] }],
        },
        { sortBy: "books/sort/year:asc", page: 2 });
    assert.equal(ids(rendered), "3 5");
    assert.equal(rendered.pages.nbPages, 3);
    assert.equal(rendered.pages.nbHits, 6);
});

test("values of a facet are searched, and places are found", async () => {
    const [answer] = await adapter.searchClient.searchForFacetValues(
        [{ indexName: "books", params: { facets: ["authors"], facetName: "authors", facetQuery: "gai" } }]);
    assert.deepEqual(answer.facetHits.map(({ value, count }) => [value, count]), [["Neil Gaiman", 2]]);
    const near = await adapter.searchClient.search(
        [{ indexName: "books", params: { query: "", aroundLatLng: "48,2", aroundRadius: 120_000 } }]);
    assert.deepEqual(near.results[0].hits.map((hit) => hit.objectID), ["1", "2"]);
});
