// POST /operations/reset_peers: the nodes file counts as soon as somebody says that it was changed.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { book, until, withCluster } from './cluster.mjs';

const reset = (node) => node.request('POST', '/operations/reset_peers');

test('a node whose file names it alone goes on alone when it is told', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, second, third] = cluster.nodes;
  const { status } = await first.request('POST', '/collections/books/documents', book(1));
  assert.equal(status, 201);
  await cluster.hold([1]);
  assert.deepEqual(await reset(first), { status: 200, text: '{"success":true}' });

  // What is no list changes nothing, and is said.
  writeFileSync(third.nodesFile, 'nonsense');
  const refused = await reset(third);
  assert.equal(refused.status, 400, refused.text);
  assert.match(refused.text, /entry 1/);

  await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')]);
  third.list(third);
  assert.equal((await reset(third)).status, 200);
  await until('the third goes on alone', () => third.healthy());
  await until('it takes writes', async () =>
    (await third.request('POST', '/collections/books/documents?action=upsert', book(2))).status === 201);
}));
