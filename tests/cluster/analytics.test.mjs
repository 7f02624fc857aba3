// Analytics on a cluster of real processes: every node counts for itself, all counts come together.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOKS, until, withCluster } from './cluster.mjs';

const post = (node, path, body) => node.request('POST', path, body);

test('nodes count for themselves and flush into one collection', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  const client = cluster.client();
  await client.collections().create(BOOKS);
  await client.collections().create({
    name: 'queries', fields: [{ name: 'q', type: 'string' }, { name: 'count', type: 'int32' }] });
  const [first, second, third] = cluster.nodes;
  const made = await post(first, '/analytics/rules', {
    name: 'popular', type: 'popular_queries', collection: 'books', event_type: 'search',
    params: { destination_collection: 'queries', limit: 1000 } });
  assert.equal(made.status, 200, JSON.stringify(made));
  for (const node of cluster.nodes) {
    await until(`${node.name} has the rule`, async () => (await node.json('/analytics/rules')).length === 1);
  }

  // Each of them is told of the same query, and of one of its own.
  for (const node of cluster.nodes) {
    for (const q of ['same', node.name]) {
      const { status } = await post(node, '/analytics/events', {
        name: 'popular', event_type: 'search', data: { q, user_id: 'u' } });
      assert.equal(status, 200);
    }
  }
  await Promise.all(cluster.nodes.map((node) => post(node, '/analytics/flush', {})));
  const counts = async (node) => {
    const { hits } = await node.json('/collections/queries/documents/search?q=*&sort_by=count:desc&per_page=10');
    return hits.map(({ document }) => `${document.q} ${document.count}`).sort().join(', ');
  };
  const expected = ['same 3', ...cluster.nodes.map(({ name }) => `${name} 1`)].sort().join(', ');
  for (const node of cluster.nodes) {
    await until(`${node.name} sees ${expected}`, async () => await counts(node) === expected);
  }

  // Rules stay when a node goes; those that are left count on.
  await first.end();
  const answer = await until('somebody takes events', async () => {
    const told = await post(second, '/analytics/events', {
      name: 'popular', event_type: 'search', data: { q: 'same', user_id: 'u' } });
    return told.status === 200 && told;
  });
  assert.equal(answer.status, 200);
  await until('it is flushed', async () => (await post(second, '/analytics/flush', {})).status === 200
    && (await counts(third)).includes('same 4'));
}));
