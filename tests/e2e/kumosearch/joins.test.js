// Joins, as the npm client asks for them, and after restarts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "../server.js";

const server = new Server();
let client;

const schemas = [
    { name: "customers", fields: [{ name: "forename", type: "string", sort: true }] },
    { name: "products", fields: [
        { name: "product_id", type: "string" }, { name: "title", type: "string" }] },
    { name: "orders", fields: [
        { name: "total", type: "float", facet: true },
        { name: "customer_id", type: "string", reference: "customers.id" },
        { name: "product", type: "string[]", reference: "products.product_id" }] },
];

before(async () => {
    await server.start();
    client = server.client();
    for (const schema of schemas) {
        await client.collections().create(schema);
    }
    await client.collections("customers").documents().import([
        { id: "customer_a", forename: "Ann" }, { id: "customer_b", forename: "Bob" },
        { id: "customer_c", forename: "Cleo" }]);
    await client.collections("products").documents().import([
        { product_id: "p-1", title: "Shampoo" }, { product_id: "p-2", title: "Soap" }]);
    await client.collections("orders").documents().import([
        { id: "o1", total: 50, customer_id: "customer_a", product: ["p-1"] },
        { id: "o2", total: 150, customer_id: "customer_a", product: ["p-1", "p-2"] },
        { id: "o3", total: 20, customer_id: "customer_b", product: ["p-2"] }]);
});

after(async () => {
    await server.end();
    server.remove();
});

const search = (collection, parameters) =>
    client.collections(collection).documents().search({ q: "*", ...parameters });
const ids = (result) => result.hits.map((hit) => hit.document.id).join(" ");

test("a reference is declared and shown", async () => {
    const { fields } = await client.collections("orders").retrieve();
    const field = fields.find((one) => one.name === "customer_id");
    assert.equal(field.reference, "customers.id");
    assert.equal(field.async_reference, false);
});

test("a document is refused if what it references is not there", async () => {
    await assert.rejects(
        client.collections("orders").documents().create(
            { total: 1, customer_id: "customer_a", product: ["p-3"] }),
        (error) => {
            assert.equal(error.httpStatus, 400);
            assert.match(error.message, /Reference document having `product_id:= `p-3`` not found in the collection `products`\./);
            return true;
        });
});

for (const when of ["", " after a restart", " after kill -9"]) {
    test(`filters, includes, sort and facets join${when}`, async () => {
        if (when) {
            await server.restart(when.includes("kill") ? "SIGKILL" : "SIGTERM");
            client = server.client();
        }
        assert.equal(ids(await search("customers", { filter_by: "$orders(total:<100)" })), "customer_b customer_a");
        assert.equal(ids(await search("customers", { filter_by: "!$orders(id:*)" })), "customer_c");
        assert.equal(ids(await search("products", { filter_by: "$orders(customer_id:=customer_b)" })), "1");
        assert.equal(
            ids(await search("customers", { filter_by: "$orders($products(title:shampoo))" })), "customer_a");
        const left = await search("customers", {
            filter_by: "id:* || $orders(total:>100)", sort_by: "forename:asc",
            include_fields: "forename, $orders(total, strategy: nest_array)" });
        assert.deepEqual(left.hits.map((hit) => hit.document), [
            { forename: "Ann", orders: [{ total: 150 }] }, { forename: "Bob", orders: [] },
            { forename: "Cleo", orders: [] }]);
        const orders = await search("orders", {
            sort_by: "$customers(forename:desc), total:asc",
            include_fields: "id, $customers(forename, strategy: merge), $products(title)" });
        assert.deepEqual(orders.hits.map((hit) => hit.document), [
            { id: "o3", forename: "Bob", products: [{ title: "Soap" }] },
            { id: "o1", forename: "Ann", products: [{ title: "Shampoo" }] },
            { id: "o2", forename: "Ann", products: [{ title: "Shampoo" }, { title: "Soap" }] }]);
        const facets = await search("customers", { facet_by: "$orders(total)" });
        assert.equal(facets.facet_counts[0].field_name, "orders(total)");
        assert.deepEqual(facets.facet_counts[0].counts.map((one) => one.value).sort(), ["150", "20", "50"]);
    });
}

test("a key's filter joins, and is all that its owner sees of the other collection", async () => {
    const { value } = await client.keys().create({
        description: "search", actions: ["documents:search"], collections: ["customers"] });
    const scoped = client.keys().generateScopedSearchKey(value, { filter_by: "$orders(total:<100)" });
    const owner = server.client(scoped);
    const result = await owner.collections("customers").documents().search({
        q: "*", include_fields: "id, $orders(id)" });
    assert.deepEqual(result.hits.map((hit) => hit.document), [
        { id: "customer_b", orders: { id: "o3" } }, { id: "customer_a", orders: { id: "o1" } }]);
});

test("what references a document goes with it", async () => {
    await client.collections("products").documents().delete({ filter_by: "title:soap" });
    assert.equal(ids(await search("orders", {})), "o2 o1");
    await client.collections("customers").documents("customer_a").delete();
    assert.equal((await search("orders", {})).found, 0);
});

test("a clone may have the documents of its source, in their order", async () => {
    const made = await client.collections().create(
        { name: "copy" }, { src_name: "products", copy_documents: true });
    assert.equal(made.num_documents, 1);
    assert.deepEqual(
        (await search("copy", {})).hits.map((hit) => hit.document.title), ["Shampoo"]);
});
