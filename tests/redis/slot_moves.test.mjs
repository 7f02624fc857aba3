// Slots of a cluster of keys move from master to master while they are used: CLUSTER MIGRATESLOTS, and
// kumosearch-cli's one command for it. Nothing acknowledged is lost, nothing is done twice, nobody waits long.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';

import { Client, Cluster, Counters, until } from './lab.mjs';

const cluster = new Cluster();
before(() => cluster.create(3, 1));
after(() => cluster.end());

const tool = process.env.KUMO_CLI;

/// { code, output } of kumosearch-cli.
const kumo = (...args) => new Promise((resolve) => {
  execFile(tool, args.map(String), { timeout: 120000 }, (error, stdout, stderr) =>
    resolve({ code: error ? error.code : 0, output: stdout + stderr }));
});

const masters = async () => (await cluster.nodes()).filter((node) => node.flags.includes('master'));
const first = () => cluster.servers[0].address;

const count = (node) => node.slots.filter((range) => !range.startsWith('[')).reduce((sum, range) => {
  const [from, to] = range.split('-').map(Number);
  return sum + (to ?? from) - from + 1;
}, 0);

/// A flat array of names and values as an object.
const fields = (flat) => Object.fromEntries(flat.flatMap((name, i) => (i % 2 ? [] : [[name, flat[i + 1]]])));

const moves = async (server) => (await server.call('CLUSTER', 'GETSLOTMIGRATIONS')).map(fields);

async function over(server) {
  await until('no slots move', async () => (await moves(server))
    .every((each) => ['success', 'failed', 'cancelled'].includes(each.state)));
  return moves(server);
}

test('slots move under load, all at once, and nothing is lost', async () => {
  const load = new Counters(cluster);
  await until('there is a load', () => load.done > 500);
  for (let round = 0; round < 6; ++round) {
    const [a, b, c] = await masters();
    const [from, to] = [[a, b], [b, c], [c, a]][round % 3];
    const source = cluster.byPort(from.port);
    const [low, high] = from.slots[0].split('-').map(Number);
    const middle = Math.floor((low + (high ?? low)) / 2);
    const answer = await source.call('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', low, middle, 'NODE', to.id);
    assert.equal(answer, 'OK');
    const [newest] = await over(source);
    assert.equal(newest.state, 'success', newest.message);
    assert.equal(newest.operation, 'EXPORT');
    assert.equal(newest.slot_ranges, `${low}-${middle}`);
    await until('the target has them', async () => (await masters()).find((each) => each.id === to.id)
      .slots.some((range) => Number(range.split('-')[0]) <= low));
  }
  await load.stop();
  assert.deepEqual(await load.wrong(), []);
  assert.equal(Math.max(...load.unknown), 0, 'no connection was dropped');
  console.log(`# ${load.done} acknowledged, longest pause ${load.longestPauseMs} ms`);
});

test('what is wrong is refused, and nothing begins', async () => {
  const [a, b] = await masters();
  const source = cluster.byPort(a.port);
  const low = Number(a.slots[0].split('-')[0]);
  const other = Number(b.slots[0].split('-')[0]);
  const refused = async (what, ...words) => assert.rejects(source.call('CLUSTER', 'MIGRATESLOTS', ...words), what);
  await refused(/not served by this node/, 'SLOTSRANGE', other, other, 'NODE', b.id);
  await refused(/not served by this node/, 'SLOTSRANGE', low, low, 'NODE', b.id,
    'SLOTSRANGE', other, other, 'NODE', b.id);
  await refused(/can not be this node/, 'SLOTSRANGE', low, low, 'NODE', a.id);
  await refused(/Unknown node/, 'SLOTSRANGE', low, low, 'NODE', '0'.repeat(40));
  await refused(/overlap/, 'SLOTSRANGE', low, low, low, low, 'NODE', b.id);
  await refused(/out of range/, 'SLOTSRANGE', low, 16384, 'NODE', b.id);
  await refused(/greater than end/, 'SLOTSRANGE', low + 1, low, 'NODE', b.id);
  await refused(/syntax error/, 'SLOTRANGE', low, low, 'NODE', b.id);
  const replica = (await cluster.nodes()).find((node) => node.flags.includes('slave'));
  await refused(/not a master/, 'SLOTSRANGE', low, low, 'NODE', replica.id);
  await assert.rejects(cluster.byPort(replica.port).call('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', low, low,
    'NODE', b.id), /Only a master/);
  assert.equal((await masters()).find((each) => each.id === a.id).slots[0], a.slots[0]);
});

test('a hash of a million fields moves without a long pause, and is what it was', async () => {
  const client = new Client(cluster.servers.map((each) => each.port));
  const fieldCount = Number(process.env.KUMO_FIELDS ?? 1000000);
  for (let i = 0; i < fieldCount; i += 1000) {
    const words = [];
    for (let k = i; k < Math.min(i + 1000, fieldCount); ++k) words.push(`field:${k}`, `value:${k}`);
    await client.call('HSET', 'big', ...words);
  }
  const slot = Number(await cluster.servers[0].call('CLUSTER', 'KEYSLOT', 'big'));
  const all = await masters();
  const owner = all.find((node) => node.slots.some((range) => {
    const [from, to] = range.split('-').map(Number);
    return slot >= from && slot <= (to ?? from);
  }));
  const target = all.find((node) => node.id !== owner.id && node.slots.length > 0);
  const source = cluster.byPort(owner.port);
  // Who asks after other keys of both, one command after the other, and writes to the hash.
  let longest = 0;
  let stop = false;
  const ask = async (server, words) => {
    while (!stop) {
      const begun = performance.now();
      await server.call(...words);
      longest = Math.max(longest, performance.now() - begun);
    }
  };
  let written = 0;
  const write = async () => {
    const writer = new Client(cluster.servers.map((each) => each.port));
    for (; !stop; ++written) await writer.call('HSET', 'big', `more:${written}`, 'x');
    writer.end();
  };
  const asking = [ask(source, ['PING']), ask(cluster.byPort(target.port), ['PING']), write()];
  assert.equal(await source.call('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', slot, slot, 'NODE', target.id), 'OK');
  const [newest] = await over(source);
  await until('the source is quiet', async () => await source.call('DBSIZE') >= 0);
  stop = true;
  await Promise.all(asking);
  assert.equal(newest.state, 'success', newest.message);
  assert.equal(Number(await client.call('HLEN', 'big')), fieldCount + written);
  assert.equal(await client.call('HGET', 'big', `field:${fieldCount - 1}`), `value:${fieldCount - 1}`);
  assert.equal(await client.call('HGET', 'big', 'field:0'), 'value:0');
  assert.equal(Number(await source.call('CLUSTER', 'COUNTKEYSINSLOT', slot)), 0);
  client.end();
  console.log(`# ${fieldCount} fields, ${written} writes meanwhile, longest answer ${longest.toFixed(1)} ms`);
});

test('a crash of either side loses and doubles nothing', async () => {
  const load = new Counters(cluster);
  await until('there is a load', () => load.done > 500);
  for (const side of ['source', 'target']) {
    const [a, b] = (await masters()).filter((each) => count(each) > 2);
    const source = cluster.byPort(a.port);
    const range = a.slots[0].split('-');
    assert.equal(await source.call('CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', range[0], range[1] ?? range[0], 'NODE', b.id), 'OK');
    const dead = cluster.byPort(side === 'source' ? a.port : b.port);
    await dead.kill();
    await dead.start();
    await cluster.settled();
    for (const server of cluster.servers) await over(server);
  }
  await load.stop();
  assert.deepEqual(await load.wrong(), []);
});

test('rebalance, reshard and check are one command each', { skip: !tool }, async () => {
  const load = new Counters(cluster);
  const balanced = await kumo('cluster', 'rebalance', first());
  assert.equal(balanced.code, 0, balanced.output);
  for (const node of await masters()) assert.ok(count(node) === 0 || Math.abs(count(node) - 16384 / 3) < 120, node.id);
  const [a, b] = await masters();
  const had = count(b);
  const some = await kumo('cluster', 'reshard', first(), '--from', a.id, '--to', b.id, '--slots', 100);
  assert.equal(some.code, 0, some.output);
  assert.equal(count((await masters()).find((each) => each.id === b.id)), had + 100);
  const checked = await kumo('cluster', 'check', first());
  assert.equal(checked.code, 0, checked.output);
  assert.match(checked.output, /all is well/);
  const simulated = await kumo('cluster', 'rebalance', first(), '--threshold', 0, '--simulate');
  assert.equal(simulated.code, 0);
  assert.match(simulated.output, /would move/);
  assert.equal((await kumo('cluster', 'reshard', first(), '--to', 'nobody', '--slots', 1)).code, 2);
  assert.equal((await kumo('cluster', 'reshard', first(), '--to', a.id)).code, 2);
  assert.equal((await kumo('cluster', 'check', '127.0.0.1:1')).code, 3);
  const help = await kumo('cluster', 'rebalance', '--help');
  assert.equal(help.code, 0);
  assert.match(help.output, /--weight/);
  await load.stop();
  assert.deepEqual(await load.wrong(), []);
});

test('fix closes slots that were left open, and brings their keys together', { skip: !tool }, async () => {
  const client = new Client(cluster.servers.map((each) => each.port));
  for (let i = 0; i < 50; ++i) await client.call('SET', `{left}${i}`, i);
  const slot = Number(await cluster.servers[0].call('CLUSTER', 'KEYSLOT', '{left}'));
  const all = await masters();
  const owner = all.find((node) => node.slots.some((range) => {
    const [from, to] = range.split('-').map(Number);
    return slot >= from && slot <= (to ?? from);
  }));
  const other = all.find((node) => node.id !== owner.id);
  await cluster.byPort(other.port).call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', owner.id);
  await cluster.byPort(owner.port).call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', other.id);
  await cluster.byPort(owner.port).call('MIGRATE', '127.0.0.1', other.port, '', 0, 5000, 'KEYS', '{left}1', '{left}2');
  const wrong = await kumo('cluster', 'check', first());
  assert.equal(wrong.code, 1, wrong.output);
  assert.match(wrong.output, new RegExp(`slot ${slot} is left (importing|migrating)`));
  const fixed = await kumo('cluster', 'fix', first());
  assert.equal(fixed.code, 0, fixed.output);
  for (let i = 0; i < 50; ++i) assert.equal(await client.call('GET', `{left}${i}`), String(i));
  assert.equal(Number(await cluster.byPort(other.port).call('CLUSTER', 'COUNTKEYSINSLOT', slot)), 0);
  client.end();
});

test('SLOT-STATS counts keys', async () => {
  const client = new Client(cluster.servers.map((each) => each.port));
  for (let i = 0; i < 50; ++i) await client.call('SET', `{left}${i}`, i);
  client.end();
  const slot = Number(await cluster.servers[0].call('CLUSTER', 'KEYSLOT', '{left}'));
  const owner = (await masters()).find((node) => node.slots.some((range) => {
    const [from, to] = range.split('-').map(Number);
    return slot >= from && slot <= (to ?? from);
  }));
  const server = cluster.byPort(owner.port);
  const [[found, stats]] = await server.call('CLUSTER', 'SLOT-STATS', 'SLOTSRANGE', slot, slot);
  assert.equal(Number(found), slot);
  assert.equal(Number(fields(stats)['key-count']), 50);
  const ordered = await server.call('CLUSTER', 'SLOT-STATS', 'ORDERBY', 'KEY-COUNT', 'LIMIT', 1, 'DESC');
  assert.equal(ordered.length, 1);
  assert.ok(Number(fields(ordered[0][1])['key-count']) >= 50);
  await assert.rejects(server.call('CLUSTER', 'SLOT-STATS', 'ORDERBY', 'CPU-USEC'), /Unrecognized sort metric/);
});
