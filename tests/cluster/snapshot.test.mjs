// A snapshot of a cluster under load, through the client, and a cluster of three that begins from it.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { book, until, withCluster } from './cluster.mjs';

const range = (from, count) => Array.from({ length: count }, (_, i) => from + i);

test('what was acknowledged before a snapshot is in the cluster that begins from it', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const client = cluster.client();
  const [, , third] = cluster.nodes;
  const key = await client.keys().create({ description: 'readers', actions: ['documents:search'], collections: ['books'] });
  await cluster.nodes[0].write(range(0, 120));
  const path = join(cluster.directory, 'monday');

  // Writes go on while it is taken; those are in it or not.
  let taken = false;
  let last = 120;
  const load = (async () => {
    for (; !taken; last += 1) await cluster.nodes[1].write([last]);
  })();
  const answer = await third.request('POST', `/operations/snapshot?snapshot_path=${encodeURIComponent(path)}`, undefined, { timeoutMs: 20000 });
  taken = true;
  await load;
  assert.deepEqual(answer, { status: 201, text: '{"success":true}' });
  const again = await third.request('POST', `/operations/snapshot?snapshot_path=${encodeURIComponent(path)}`);
  assert.equal(again.status, 400);
  assert.match(again.text, /is not empty/);
  assert.deepEqual(await client.operations.perform('snapshot', { snapshot_path: `${path}2` }), { success: true });

  await Promise.all(cluster.nodes.map((node) => node.end()));
  for (const node of cluster.nodes) {
    rmSync(node.dataDir, { recursive: true });
    mkdirSync(node.dataDir);
  }
  cpSync(path, third.dataDir, { recursive: true });
  third.start();
  await until('the restored node serves', () => third.healthy());
  await until('the head goes', () => !readdirSync(third.dataDir).includes('snapshot'));
  cluster.nodes.filter((node) => node !== third).forEach((node) => node.start());
  await cluster.whole();
  const ids = await third.ids();
  for (const id of range(0, 120)) assert.ok(ids.includes(String(id)), `document ${id} is missing`);
  await cluster.hold(ids);
  assert.ok(ids.length <= last);
  const found = await cluster.nodes[0].request('GET', '/collections/books/documents/search?q=number7&query_by=title&prefix=false&num_typos=0', undefined, { key: key.value });
  assert.equal(JSON.parse(found.text).found, 1);
  await cluster.nodes[1].write([100000]);
  assert.equal((await third.json('/collections/books/documents/100000')).title, book(100000).title);
}));
