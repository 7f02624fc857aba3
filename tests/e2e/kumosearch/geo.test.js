// Geography, as the npm client asks for it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";
import { ids } from "./books.js";

const server = new Server();
let client;

before(async () => {
    await server.start();
    client = server.client();
    await client.collections().create({
        name: "places",
        num_shards: 2,
        fields: [
            { name: "title", type: "string" },
            { name: "points", type: "int32" },
            { name: "location", type: "geopoint" },
            { name: "area", type: "geopolygon", optional: true },
        ],
        default_sorting_field: "points",
    });
    const results = await client.collections("places").documents().import([
        { id: "louvre", title: "Louvre", points: 1, location: [48.86093481609114, 2.33698396872901] },
        { id: "eiffel", title: "Eiffel Tower", points: 2, location: [48.85821022164442, 2.294239067890161] },
        { id: "fiji", title: "Taveuni", points: 3, location: [-16.85, -179.97],
            area: [-16.6, 179.7, -16.6, -179.7, -17.1, -179.7, -17.1, 179.7] },
    ]);
    assert.ok(results.every((result) => result.success));
});

after(async () => {
    await server.end();
    server.remove();
});

const search = (parameters) => client.collections("places").documents().search({ q: "*", ...parameters });

const same = async () => {
    const result = await search({
        filter_by: "location:(48.853, 2.344, 5.1 km)", sort_by: "location(48.853, 2.344):asc" });
    assert.deepEqual(
        result.hits.map((hit) => [hit.document.id, hit.geo_distance_meters.location]),
        [["louvre", 1020], ["eiffel", 3686]]);
    assert.equal(ids(await search({ filter_by: "area:(-16.9, 180)" })), "fiji");
    assert.equal(
        ids(await search({ filter_by: "location:(-15, 175, -15, -175, -20, -175, -20, 175)" })), "fiji");
    assert.equal(
        ids(await search({ filter_by: "location:!=([48.86, 2.3], radius: 10 mi)" })), "fiji");
};

test("places are found and sorted by distance", same);

test("they are after a restart", async () => {
    await server.restart("SIGKILL");
    client = server.client();
    await same();
});

test("bad geography is refused", async () => {
    const refused = (parameters, pattern) => assert.rejects(search(parameters), (error) => {
        assert.equal(error.httpStatus, 400);
        assert.match(error.message, pattern);
        return true;
    });
    await refused({ filter_by: "location:(0, 0, 10, 10, 10, 0, 0, 10)" }, /edge 0 crosses edge 2/);
    await refused({ filter_by: "location:(48.853, 2.344, 5 m)" }, /Unit must be either/);
    await refused({ sort_by: "location:asc" }, /Bad syntax for sorting field/);
    await assert.rejects(
        client.collections("places").documents().create({ title: "x", points: 1, location: [100, 0] }),
        /latitude between -90 and 90/);
});
