// A collection's fields change on a cluster of real processes, and nodes are killed in the middle of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOKS, book, until, withCluster } from './cluster.mjs';

const DOCUMENTS = 40000;
const BATCH = 4000;

/// Enough for a change to be seen while it runs: many words a document.
const text = (id) => Array.from({ length: 60 }, (_, i) => `word${(id * 31 + i * i * 7) % 5000}`).join(' ');

async function fill(node) {
  for (let first = 0; first < DOCUMENTS; first += BATCH) {
    const lines = [];
    for (let id = first; id < first + BATCH; ++id) {
      lines.push(JSON.stringify({ ...book(id), text: text(id), price: id % 100 }));
    }
    const { status, body } = await node.import('books', lines);
    assert.equal(status, 200, body);
  }
}

const fields = async (node, collection = 'books') => (await node.json(`/collections/${collection}`)).fields.map(({ name, type }) => `${name}:${type}`).sort().join(' ');
const alter = (node, changes) => node.request('PATCH', '/collections/books', { fields: changes }, { timeoutMs: 120000 });
const found = async (node, query) => (await node.json(`/collections/books/documents/search?${query}`)).found;
const running = async (node) => (await node.json('/operations/schema_changes')).length > 0;

/// Waits until the change runs at the node; on a fast machine it may be over before anybody looks.
async function under_way(node, change) {
  let over = false;
  change.then(() => { over = true; }, () => { over = true; });
  await until('the change runs', async () => over || await running(node));
  return !over;
}

/// The node that has the collection's primary copy.
async function primary(cluster, nodes = cluster.nodes) {
  return until('the shard has a primary', async () => {
    const { shards, members } = await nodes[0].json('/operations/cluster');
    const copy = shards[0].copies.find((each) => each.primary);
    const member = copy && members.find(({ id }) => id === copy.node);
    return member && nodes.find(({ name }) => name === member.name);
  });
}

const BEFORE = 'title:string year:int32';
const TEXT = { name: 'text', type: 'string' };
const PRICE = { name: 'price', type: 'int32', facet: true };
const AFTER = 'price:int32 text:string title:string year:int32';

async function everywhere(cluster, what, collection = 'books') {
  for (const node of cluster.nodes) {
    await until(`${node.name} has the fields ${what}`, async () => await fields(node, collection) === what);
  }
}

test('fields change everywhere, whoever is asked and whoever is killed', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.client().collections().create(BOOKS);
  await fill(cluster.nodes[0]);

  // Through a node that does not lead the shard; searches go on, another change is refused.
  const leader = await primary(cluster);
  const other = cluster.nodes.find((node) => node !== leader);
  const change = alter(other, [TEXT, PRICE]);
  if (await under_way(leader, change)) {
    const second = await alter(other, [{ name: 'title', type: 'string' }]);
    assert.equal(second.status, 422, second.text);
    assert.match(second.text, /Another collection update operation is in progress/);
  }
  assert.equal(await found(leader, 'q=*&filter_by=year:=7'), 1);
  assert.equal((await change).status, 200);
  assert.equal(await fields(other), AFTER);
  await everywhere(cluster, AFTER);
  for (const node of cluster.nodes) assert.equal(await found(node, 'q=*&filter_by=price:=7'), DOCUMENTS / 100);

  // A copy is killed in the middle of a change; it makes up for it.
  const shrink = alter(leader, [{ name: 'text', drop: true }, { name: 'price', drop: true }]);
  await under_way(other, shrink);
  await other.end('SIGKILL');
  assert.equal((await shrink).status, 200);
  other.start();
  await cluster.whole();
  await everywhere(cluster, BEFORE);

  // The primary is killed in the middle; who asked hears of the end from the next one.
  const asked = cluster.nodes.find((node) => node !== leader);
  const grow = alter(asked, [TEXT, PRICE]);
  await under_way(leader, grow);
  await leader.end('SIGKILL');
  const answer = await grow;
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await fields(asked), AFTER);
  await asked.write(['900000']).then(() => assert.fail('without price'), (error) => assert.match(error.message, /`(text|price)` has been declared/));
  leader.start();
  await cluster.whole();
  await everywhere(cluster, AFTER);
  for (const node of cluster.nodes) {
    assert.equal(await found(node, 'q=*'), DOCUMENTS);
    assert.equal(await found(node, 'q=*&filter_by=price:=7'), DOCUMENTS / 100);
  }

  // All are killed at once.
  await under_way(asked, alter(asked, [{ name: 'text', drop: true }]));
  await Promise.all(cluster.nodes.map((node) => node.end('SIGKILL')));
  cluster.nodes.forEach((node) => node.start());
  await cluster.whole();
  await everywhere(cluster, 'price:int32 title:string year:int32');
  for (const node of cluster.nodes) assert.equal(await found(node, 'q=*&filter_by=price:=7'), DOCUMENTS / 100);

  // What does not fit is refused at every node alike.
  const refused = await alter(asked, [{ name: 'isbn', type: 'string' }]);
  assert.equal(refused.status, 400, refused.text);
  await everywhere(cluster, 'price:int32 title:string year:int32');
}));

test('fields that are found are the same everywhere', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.client().collections().create({ name: 'found', fields: [{ name: '.*', type: 'auto' }] });
  // All nodes are given first values of the same fields at once; which one decides is up to the log.
  const value = (i, n) => [n, String(n), n + 0.5, n % 2 === 0, [n], [String(n)]][(i + n) % 6];
  const rounds = 10;
  for (let round = 0; round < rounds; ++round) {
    const answers = await Promise.all(cluster.nodes.map((node, i) => {
      const lines = [0, 1, 2].map((n) => JSON.stringify({ id: `${round}-${i}-${n}`, [`f${round}_${n}`]: value(i, n + round), [`own${i}_${round}`]: n }));
      return node.import('found', lines, 'action=create&dirty_values=coerce_or_drop');
    }));
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      for (const line of body.split('\n')) assert.equal(JSON.parse(line).success, true, line);
    }
    if (round === 4) {
      await cluster.nodes[2].end('SIGKILL');
      cluster.nodes[2].start();
      await cluster.whole();
    }
  }
  const known = await fields(cluster.nodes[0], 'found');
  assert.equal(known.split(' ').length, 1 + rounds * 3 + rounds * cluster.nodes.length);
  await everywhere(cluster, known, 'found');
  await Promise.all(cluster.nodes.map((node) => node.end('SIGKILL')));
  cluster.nodes.forEach((node) => node.start());
  await cluster.whole();
  await everywhere(cluster, known, 'found');
}));
