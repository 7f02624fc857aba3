// Stemming dictionaries with the npm client.
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
