// Two of three nodes are gone for good: the operator cuts the third one's nodes file down to itself,
// and it goes on alone. Later the others are added back, one by one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { book, until, withCluster } from './cluster.mjs';

const ALONE_MS = 30000;
const range = (from, count) => Array.from({ length: count }, (_, i) => from + i);

async function writable(node, id) {
  const answer = await node.request('POST', '/collections/books/documents?action=upsert', book(id));
  return answer.status < 300;
}

async function goOnAlone(cluster, left, gone) {
  await Promise.all(gone.map((node) => node.end('SIGKILL')));
  const before = Date.now();
  left.list(left);
  await until(`${left.name} serves alone`, () => writable(left, 0), ALONE_MS);
  await cluster.whole([left]);
  console.log(`${left.name} served ${((Date.now() - before) / 1000).toFixed(1)} s after its nodes file named it alone`);
  assert.ok(left.said(/it goes on alone/));
}

test('a node goes on alone, and the others are added back one by one', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, second, third] = cluster.nodes;
  await third.write(range(0, 100));
  await goOnAlone(cluster, third, [first, second]);
  await cluster.hold(range(0, 100), [third]);
  await third.write(range(100, 50));

  third.list(second, third);
  second.list(second, third);
  second.start();
  await cluster.whole([second, third]);
  await cluster.hold(range(0, 150), [second, third]);
  await second.write(range(150, 50));

  cluster.nodes.forEach((node) => node.list(...cluster.nodes));
  first.start();
  await cluster.whole();
  await cluster.hold(range(0, 200));
  await first.write(range(200, 50));
  await cluster.hold(range(0, 250));

  // They are a cluster again: one may go.
  await third.end('SIGKILL');
  await until('two of three go on', () => writable(first, 250));
  await second.write(range(251, 10));
  third.start();
  await cluster.whole();
  await cluster.hold(range(0, 261));
}));

test('the others come back with their old files, before anybody lists them', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, second, third] = cluster.nodes;
  await first.write(range(0, 20));
  await goOnAlone(cluster, first, [second, third]);
  await first.write(range(20, 20));

  // Only one of them: the old cluster has no majority, and must not serve what it knows.
  const mark = second.output.length;
  second.start();
  await until('the other node is up', () => second.said(/serves http/, mark));
  await first.write(range(40, 20));
  assert.equal(await second.healthy(), false);

  first.list(first, second);
  await cluster.whole([first, second]);
  await cluster.hold(range(0, 60), [first, second]);
  first.list(...cluster.nodes);
  third.start();
  await cluster.whole();
  await cluster.hold(range(0, 60));
}));

test('a nodes file that is cut down on two of three nodes that run', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, second, third] = cluster.nodes;
  await first.write(range(0, 20));
  // While they see each other they are a majority, whatever their files say.
  const marks = cluster.nodes.map((node) => node.output.length);
  first.list(first);
  second.list(second);
  await Promise.all([first, second].map((node, i) => until(`${node.name} has read its file`, () => node.said(/it names 1 nodes/, marks[i]))));
  await third.end('SIGKILL');
  await until('the two go on', () => writable(first, 0));
  await second.write(range(20, 20));
  await cluster.hold(range(0, 40), [first, second]);
  assert.equal((await cluster.leaders([first, second])).length, 1);
  assert.ok(!first.said(/goes on alone/) && !second.said(/goes on alone/));
  cluster.nodes.forEach((node) => node.list(...cluster.nodes));
  third.start();
  await cluster.whole();
  await cluster.hold(range(0, 40));
}));

test('of two nodes whose files name only themselves, one goes on alone', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, second, third] = cluster.nodes;
  await first.write(range(0, 20));
  await goOnAlone(cluster, first, [second, third]);
  second.list(second);
  second.start();
  const refuses = new RegExp(`names only this node, but node ${first.name},.* does not go on alone beside it`);
  await until('the second refuses', () => second.said(refuses), ALONE_MS);
  await first.write(range(20, 20));
  assert.equal(await second.healthy(), false);
  assert.ok(!second.said(/it goes on alone/));
  [first, second].forEach((node) => node.list(first, second));
  await cluster.whole([first, second]);
  await cluster.hold(range(0, 40), [first, second]);
  const left = /has left epoch \d+ .*dropped, not set aside/;
  assert.ok(second.said(left) && !first.said(left));
}));

test('two nodes that have both gone on alone: one is given up, by name, and nothing is mixed', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, second, third] = cluster.nodes;
  await first.write(range(0, 20));
  // One after the other, so that neither can know.
  await goOnAlone(cluster, first, [second, third]);
  await first.write(range(100, 20));
  await first.end('SIGKILL');
  second.start();
  await goOnAlone(cluster, second, []);
  await second.write(range(200, 20));
  first.start();
  await until('both serve', async () => await first.healthy() && await second.healthy());
  const own = new Map([[first, [...range(0, 20), ...range(100, 20)]], [second, [...range(0, 20), ...range(200, 20)]]]);
  await cluster.hold(own.get(first), [first]);
  await cluster.hold(own.get(second), [second]);
  [first, second].forEach((node) => node.list(first, second));
  const given = /this node's part of the cluster, epoch 2 \(.*\), is given up for epoch 2 \(/;
  const lost = await until('one part is given up', () => [first, second].find((node) => node.said(given)));
  const won = lost === first ? second : first;
  await cluster.whole([first, second]);
  await cluster.hold(own.get(won), [first, second]);
  const left = new RegExp(`follows epoch 2 .*, which node ${won.name}.* has left epoch 2 .*dropped, not set aside \\(collections there: books\\)`);
  assert.ok(lost.said(left) && !won.said(/is given up|is dropped/));
}));
