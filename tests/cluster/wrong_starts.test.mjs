// What an operator gets wrong: each mistake is said by name, and costs nothing but itself.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { freePort, until, withCluster } from './cluster.mjs';

const range = (from, count) => Array.from({ length: count }, (_, i) => from + i);
const SAID_MS = 20000;
const said = (node, pattern, mark = 0) => until(`${node.name} says ${pattern}`, () => node.said(pattern, mark), SAID_MS);

test('another API key on one node', withCluster(3, {}, async (cluster) => {
  const odd = cluster.nodes[2];
  odd.key = 'not the key of the others';
  await cluster.start();
  await cluster.makeBooks();
  await odd.write(range(0, 10));
  await cluster.nodes[0].write(range(10, 10));
  await cluster.hold(range(0, 20));
  const { status, text } = await odd.request('GET', '/collections', undefined, { key: cluster.nodes[0].key });
  assert.equal(status, 401);
  assert.match(text, /key/);
  // Each says of whom it knows it; the key itself and the other's are in nobody's log.
  const names = (node) => new RegExp(`node ${node.name} \\(127.0.0.1:${node.peeringPort}\\) has another --api-key`);
  const [first, second] = cluster.nodes;
  await Promise.all([said(first, names(odd)), said(second, names(odd)), said(odd, names(first)), said(odd, names(second))]);
  assert.equal(first.said(names(second)), false);
  assert.equal(first.output.match(/another --api-key/g).length, 1);
  cluster.nodes.forEach((node) => assert.equal(node.output.includes(node.key), false));
  const differing = async (node) => (await node.json('/operations/cluster')).members
    .filter((member) => member.other_api_key).map(({ name }) => name).sort();
  assert.deepEqual(await differing(first), [odd.name]);
  assert.deepEqual(await differing(odd), [first.name, second.name]);
  odd.key = first.key;
  await odd.end();
  odd.start();
  await cluster.whole();
  await said(first, new RegExp(`node ${odd.name} .* has the same --api-key as this node now`));
  await until('nobody is told apart', async () => (await Promise.all(cluster.nodes.map(differing))).flat().length === 0);
  await cluster.hold(range(0, 20));
}));

test('a peering port that is taken', withCluster(3, {}, async (cluster) => {
  const [first, second, third] = cluster.nodes;
  const taken = new Set();
  const taker = createServer((socket) => taken.add(socket.on('error', () => {})));
  await new Promise((resolve) => { taker.listen(third.peeringPort, '127.0.0.1', resolve); });
  first.start();
  second.start();
  await cluster.whole([first, second]);
  third.start();
  assert.equal((await third.exited).code, 1);
  assert.match(third.output, new RegExp(`cannot start: .*${third.peeringPort}`));
  const closed = new Promise((resolve) => { taker.close(resolve); });
  taken.forEach((socket) => socket.destroy());
  await closed;
  third.start();
  await cluster.whole();
}));

test('a nodes file with a typing error, while the node runs', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const node = cluster.nodes[1];
  const mark = node.output.length;
  node.list(cluster.nodes[0], '\n127.0.0.1:peering:8108', cluster.nodes[2]);
  await said(node, /entry 2 \(line 2\) of the nodes list: .*; the last good list stays/, mark);
  await node.write(range(0, 10));
  node.list('');
  await said(node, /the nodes list is empty; the last good list stays/, mark);
  await node.write(range(10, 10));
  // It has forgotten nobody, whoever goes.
  await cluster.nodes[0].end('SIGKILL');
  await node.write(range(20, 10));
  cluster.nodes[0].start();
  await cluster.whole();
  node.list(...cluster.nodes);
  await said(node, /readable again, and unchanged/, mark);
  await cluster.hold(range(0, 30));
}));

test('a node that no nodes file names', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const stranger = await cluster.add();
  const members = cluster.nodes.slice(0, 3);
  stranger.list(...members);
  stranger.start();
  await said(stranger, new RegExp(`does not let this node in: .*:${stranger.peeringPort} is not in the nodes file`));
  assert.equal(await stranger.healthy(), false);
  await members[0].write(range(0, 10));
  await cluster.whole(members);
  // Listed by the others it is one of them, though it does not list itself.
  members.forEach((node) => node.list(...cluster.nodes));
  await cluster.whole();
  await cluster.hold(range(0, 10));
  // It has asked all of them, twice a second.
  assert.equal(stranger.output.match(/does not let this node in/g).length, 1);
}));

test('peering ports that are wrong in a nodes file', withCluster(3, {}, async (cluster) => {
  const [first, second, third] = cluster.nodes;
  const closed = await freePort();
  second.list(first, second, third, `\n127.0.0.1:${first.apiPort}:${first.apiPort}`, `\n127.0.0.1:${closed}:8108`,
    `\nlocalhost:${second.peeringPort}:${second.apiPort}`);
  await cluster.start();
  const line = (port, number, what) => new RegExp(`${port} \\(line ${number} of ${second.nodesFile}\\) ${what}`);
  await said(second, new RegExp(`connection to 127.0.0.1:${line(first.apiPort, 2, 'refused: it answers in HTTP: that is an API port').source}`));
  await said(second, line(closed, 3, 'cannot be reached: .*Connection refused'));
  await said(second, line(second.peeringPort, 4, `is this node itself, whose address is 127.0.0.1:${second.peeringPort}`));
  assert.equal(second.output.match(/answers in HTTP/g).length, 1);
  const metrics = await second.json('/metrics.json');
  assert.ok(Number(metrics.kumosearch_peers_refused) > 1);
  assert.ok(Number(metrics.kumosearch_dials_failed) > 1);
}));

test('a node of another cluster in a nodes file', withCluster(2, {}, async (cluster) => {
  const [first, other] = cluster.nodes;
  first.list(first);
  other.list(other);
  cluster.nodes.forEach((node) => node.start());
  await Promise.all(cluster.nodes.map((node) => until(`${node.name} serves`, () => node.healthy())));
  first.list(first, `\n${other.entry}`);
  await said(first, new RegExp(`127.0.0.1:${other.peeringPort} \\(line 2 of ${first.nodesFile}\\) refuses this node: 'it is in cluster`));
  await said(other, /connection with 127.0.0.1:\d+ refused: it is in cluster/);
}));

test('an api port that is wrong in a nodes file, and a node that its own file does not name', withCluster(2, {}, async (cluster) => {
  const [first, second] = cluster.nodes;
  first.list(first, `\n127.0.0.1:${second.peeringPort}:8108`);
  await cluster.start();
  await said(first, new RegExp(`line 2 of ${first.nodesFile}: .*:8108 says node ${second.name} .* and it serves at 127.0.0.1:${second.apiPort}`));
  second.list(first);
  await said(second, new RegExp(`it does not name this node, 127.0.0.1:${second.peeringPort} \\(peering-address`));
}));

test('the first node of the list is down when the cluster is to begin', withCluster(3, {}, async (cluster) => {
  const [first, ...others] = cluster.nodes;
  others.forEach((node) => node.start());
  const waits = new RegExp(`in no cluster yet and sees 1 others; .*127.0.0.1:${first.peeringPort} founds it`);
  await Promise.all(others.map((node) => said(node, waits)));
  first.start();
  await cluster.whole();
}));

test('a copied data directory that is started elsewhere, on other ports', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, , original] = cluster.nodes;
  await first.write(range(0, 10));
  const copy = await cluster.add();
  cpSync(original.dataDir, copy.dataDir, { recursive: true });
  cluster.nodes.forEach((node) => node.list(...cluster.nodes));
  copy.start();
  await said(copy, /copied/);
  const members = cluster.nodes.slice(0, 3);
  await original.write(range(10, 10));
  await cluster.hold(range(0, 20), members);
  assert.equal(await copy.healthy(), false);
  await copy.end('SIGKILL');
  await cluster.whole(members);
}));

test('a data directory that has moved', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  const [first, second, old] = cluster.nodes;
  await first.write(range(0, 10));
  await old.end();
  const moved = await cluster.add();
  cpSync(old.dataDir, moved.dataDir, { recursive: true });
  const after = [first, second, moved];
  after.forEach((node) => node.list(...after));
  moved.start();
  await cluster.whole(after);
  await moved.write(range(10, 10));
  await cluster.hold(range(0, 20), after);
}));

test('the same data directory, twice', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  const second = await cluster.add();
  second.dataDir = cluster.nodes[0].dataDir;
  second.list(...cluster.nodes);
  second.start();
  assert.equal((await second.exited).code, 1);
  assert.match(second.output, /cannot start: .*LOCK/);
  await cluster.whole(cluster.nodes.slice(0, 3));
}));
