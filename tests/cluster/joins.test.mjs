// Joins on a cluster of real processes: references are checked and cascades run whoever is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until, withCluster } from './cluster.mjs';

const found = async (node, collection, query) =>
  (await node.json(`/collections/${collection}/documents/search?q=*&${query}`)).found;

test('every node joins, checks references and cascades', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  const client = cluster.client();
  await client.collections().create({ name: 'authors', fields: [{ name: 'name', type: 'string' }] });
  await client.collections().create({
    name: 'works', num_shards: 3,
    fields: [{ name: 'author', type: 'string', reference: 'authors.id' }] });
  const [first, second, third] = cluster.nodes;

  // What one node has just been told of, another one may be asked to reference.
  for (let i = 0; i < 20; ++i) {
    const author = await first.request('POST', '/collections/authors/documents', { id: `a${i}`, name: `name ${i % 2}` });
    assert.equal(author.status, 201, JSON.stringify(author));
    const work = await second.request('POST', '/collections/works/documents', { id: `w${i}`, author: `a${i}` });
    assert.equal(work.status, 201, JSON.stringify(work));
  }
  const refused = await third.request('POST', '/collections/works/documents', { id: 'x', author: 'nobody' });
  assert.equal(refused.status, 400);
  for (const node of cluster.nodes) {
    await until(`${node.name} joins`, async () =>
      await found(node, 'works', 'filter_by=$authors(name:1)') === 10
      && await found(node, 'authors', 'filter_by=$works(id:w3)') === 1);
  }

  const gone = await third.request('DELETE', '/collections/authors/documents/a3');
  assert.equal(gone.status, 200);
  const many = await third.request('DELETE', '/collections/authors/documents?filter_by=name:0');
  assert.equal(many.status, 200);
  for (const node of cluster.nodes) {
    await until(`${node.name} has what is left`, async () => await found(node, 'works', '') === 9);
  }

  // After a restart of one of them, too.
  await second.end();
  await second.start();
  await until('it joins again', async () => {
    try {
      return await found(second, 'works', 'filter_by=$authors(name:1)') === 9;
    } catch {
      return false;
    }
  });
}));
