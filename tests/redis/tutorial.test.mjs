// The Redis / KeyDB Cluster tutorial, step by step, with the stock redis-cli and an application that counts
// meanwhile: docs/ops/keydb-tutorial.md. Each step goes on with the cluster of the one before.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { cli, Client, Cluster, Counters, RedisServer, until } from './lab.mjs';

const cluster = new Cluster({ 'enable-debug-command': 'yes' });
let app;

before(() => cluster.create(3, 1));
after(() => cluster.end());

const first = () => cluster.servers[0].address;
const isMaster = (node) => node.flags.includes('master') && !node.flags.includes('fail');
const masters = async () => (await cluster.nodes()).filter((node) => isMaster(node) && node.slots.length > 0);
const nodeAt = async (server) => (await cluster.nodes()).find((node) => node.port === server.port);
const slotsOf = (node) => node.slots.reduce((sum, range) => {
  const [from, to] = range.split('-').map(Number);
  return sum + (to ?? from) - from + 1;
}, 0);

const allKnow = async (count) => (await Promise.all(cluster.servers.map((each) => each.call('CLUSTER', 'NODES'))))
  .every((text) => text.trim().split('\n').length === count);

/// A master serves when it has its first lease.
const serves = (server) => until('it serves',
  async () => /cluster_state:ok/.test(await server.call('CLUSTER', 'INFO')));

const check = async () => assert.match(await cli(['--cluster', 'check', first()]), /All 16384 slots covered/);

async function reshard(from, to, slots) {
  await cli(['--cluster', 'reshard', first(), '--cluster-from', from, '--cluster-to', to, '--cluster-slots', slots,
    '--cluster-yes'], { timeoutMs: 120000 });
}

/// What the application has been told is there, and nothing else.
async function withApp(step) {
  app = new Counters(cluster, { clients: 10, keys: 300 });
  await until('the application runs', () => app.done > 300);
  try {
    await step();
    const done = app.done;
    await until('the application goes on', () => app.done > done + 100);
  } finally {
    await app.stop();
  }
  await cluster.settled();
  assert.deepEqual(await app.wrong(), []);
}

test('six nodes are one cluster', async () => {
  await check();
  const nodes = await cluster.nodes();
  assert.equal(nodes.filter((each) => each.flags.includes('slave')).length, 3);
  assert.match(await cli(['--cluster', 'info', first()]), /\[OK\] 0 keys in 3 masters/);
  assert.equal((await cli(['--cluster', 'call', first(), 'PING'])).match(/: PONG/g).length, 6);
  assert.equal((await cli(['--cluster', 'call', first(), 'PING', '--cluster-only-masters'])).match(/: PONG/g).length, 3);
  assert.equal(await cli(['-c', '-p', cluster.servers[0].port, 'set', 'foo', 'bar']), 'OK\n');
  assert.equal(await cli(['-c', '-p', cluster.servers[1].port, 'get', 'foo']), 'bar\n');
});

test('slots move to another master while the application runs', () => withApp(async () => {
  const [from, to] = await masters();
  await reshard(from.id, to.id, 200);
  await check();
  assert.equal(slotsOf((await cluster.nodes()).find((each) => each.id === to.id)), slotsOf(to) + 200);
}));

test('a master crashes, its replica goes on, and it comes back as a replica', () => withApp(async () => {
  const [victim] = await masters();
  const server = cluster.byPort(victim.port);
  await cli(['-p', victim.port, 'debug', 'segfault']).catch(() => {});
  assert.equal(await server.exited, 'SIGSEGV');
  await until('its replica leads', async () => (await masters()).length === 3
    && (await masters()).every((each) => each.id !== victim.id));
  await server.start();
  await until('it is a replica', async () => await server.info('role') === 'slave');
}));

test('a failover by hand', () => withApp(async () => {
  const replica = (await cluster.nodes()).find((each) => each.flags.includes('slave'));
  assert.equal(await cli(['-p', replica.port, 'cluster', 'failover']), 'OK\n');
  await until('the replica leads', async () => isMaster((await cluster.nodes()).find((each) => each.id === replica.id)));
}));

test('a new master is added, and gets slots', () => withApp(async () => {
  const server = await cluster.add();
  assert.match(await cli(['--cluster', 'add-node', server.address, first()]), /New node added correctly/);
  await until('all know it', () => allKnow(7));
  const node = await until('it is a master', async () => isMaster(await nodeAt(server)) && nodeAt(server));
  assert.deepEqual(node.slots, []);
  await serves(server);
  await reshard('all', node.id, 300);
  await check();
  assert.ok(slotsOf(await nodeAt(server)) >= 298);
}));

test('a new master gets its share, and gives it up by its weight', () => withApp(async () => {
  const server = await cluster.add();
  await cli(['--cluster', 'add-node', server.address, first()]);
  const { id } = await until('it is a master', async () => isMaster(await nodeAt(server)) && nodeAt(server));
  await until('all know it', () => allKnow(cluster.servers.length));
  await serves(server);
  const rebalance = (...options) => cli(
    ['--cluster', 'rebalance', first(), '--cluster-threshold', '1', ...options], { timeoutMs: 240000 });
  const others = (await masters()).filter((each) => each.id !== id);
  // All but a few slots stay where they are.
  const weights = others.map((each) => `${each.id}=${slotsOf(each)}`);
  await rebalance('--cluster-use-empty-masters', '--cluster-weight', ...weights, `${id}=200`);
  await check();
  const given = slotsOf(await nodeAt(server));
  assert.ok(given > 150 && given < 250, `${given} slots`);
  await rebalance('--cluster-weight', ...weights, `${id}=0`);
  await check();
  assert.deepEqual((await nodeAt(server)).slots, []);
  await cli(['--cluster', 'del-node', first(), id]);
  cluster.servers.splice(cluster.servers.indexOf(server), 1);
  await until('nobody knows it', async () => (await nodeAt(server)) === undefined);
  await server.kill();
}));

test('a new replica is added, to a master of choice and to whichever has the fewest', () => withApp(async () => {
  const lonely = await nodeAt(cluster.servers[6]);
  const chosen = await cluster.add();
  await cli(['--cluster', 'add-node', chosen.address, first(), '--cluster-slave', '--cluster-master-id', lonely.id]);
  await until('it is its replica', async () => (await nodeAt(chosen))?.master === lonely.id);
  const other = await cluster.add();
  await cli(['--cluster', 'add-node', other.address, first(), '--cluster-slave']);
  await until('it is a replica', async () => (await nodeAt(other))?.flags.includes('slave'));
  const fourth = await cluster.add();
  await cli(['--cluster', 'add-node', fourth.address, first()]);
  await until('it is there', async () => (await nodeAt(fourth)) !== undefined);
  assert.equal(await fourth.call('CLUSTER', 'REPLICATE', lonely.id), 'OK');
  await until('it is its replica', async () => (await nodeAt(fourth))?.master === lonely.id);
}));

test('nodes are removed: a replica, and a master that has given its slots away', () => withApp(async () => {
  // Not one of the leaving master's: redis-cli gives the replicas of a master that goes to the one with the fewest, and
  // would take itself for that, as it does with Redis.
  const [replica] = cluster.servers.splice(8, 1);
  await cli(['--cluster', 'del-node', first(), (await nodeAt(replica)).id]);
  await until('it is in a cluster of its own',
    async () => (await replica.call('CLUSTER', 'NODES')).trim().split('\n').length === 1);
  await until('nobody knows it', async () => (await nodeAt(replica)) === undefined);
  await replica.kill();
  const leaving = await nodeAt(cluster.servers[6]);
  await assert.rejects(cli(['--cluster', 'del-node', first(), leaving.id]), /is not empty/);
  const [to] = (await masters()).filter((each) => each.id !== leaving.id);
  await reshard(leaving.id, to.id, slotsOf(leaving));
  await cli(['--cluster', 'del-node', first(), leaving.id]);
  const [server] = cluster.servers.splice(6, 1);
  await until('nobody knows it', async () => (await nodeAt(server)) === undefined);
  await server.kill();
  await check();
}));

test('replicas migrate to a master that has lost its own', () => withApp(async () => {
  const nodes = await cluster.nodes();
  const replicasOf = (id, from = nodes) => from.filter((each) => each.master === id && !each.flags.includes('fail'));
  const [poor] = (await masters()).filter((each) => replicasOf(each.id).length === 1);
  const victim = cluster.byPort(replicasOf(poor.id)[0].port);
  await victim.kill();
  await until('it gets one of another master', async () => {
    const now = await cluster.nodes();
    return replicasOf(poor.id, now).some((each) => each.port !== victim.port);
  });
  await victim.start();
}));

test('slots are balanced', () => withApp(async () => {
  await cli(['--cluster', 'rebalance', first(), '--cluster-threshold', '1'], { timeoutMs: 240000 });
  await check();
  const counts = (await masters()).map(slotsOf);
  assert.ok(Math.max(...counts) - Math.min(...counts) < 200, counts.join(' '));
  assert.match(await cli(['--cluster', 'rebalance', first(), '--cluster-threshold', '3']), /No rebalancing needed/);
}));

test('each node is replaced by a newer one, replicas first', () => withApp(async () => {
  const restart = async (server) => {
    await assert.rejects(cli(['-p', server.port, 'shutdown']).then((out) => { if (out === '') throw new Error('gone'); }));
    await server.exited;
    await server.start();
    await cluster.settled();
  };
  const old = await masters();
  for (const server of cluster.servers) if (!old.some((each) => each.port === server.port)) await restart(server);
  for (const master of old) {
    const replica = (await cluster.nodes()).find((each) => each.master === master.id);
    assert.equal(await cli(['-p', replica.port, 'cluster', 'failover']), 'OK\n');
    await until('its replica leads', async () => !isMaster((await cluster.nodes()).find((each) => each.id === master.id)));
    await restart(cluster.byPort(master.port));
  }
}));

test('slots that were left half moved are mended', async () => {
  const [from, to] = await masters();
  const slot = Number(from.slots[0].split('-')[0]);
  await cluster.byPort(to.port).call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await cluster.byPort(from.port).call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  const [other] = to.slots[0].split('-').map(Number);
  await cluster.byPort(from.port).call('CLUSTER', 'SETSLOT', other, 'IMPORTING', to.id);
  const fix = () => cli(['--cluster', 'fix', first()], { timeoutMs: 120000, input: 'yes\n'.repeat(10) });
  await assert.rejects(cli(['--cluster', 'check', first()]), /open/);
  await fix();
  await check();
  // And slots that nobody has.
  const [owner] = await masters();
  const lost = Number(owner.slots[0].split('-')[0]);
  await cluster.byPort(owner.port).call('CLUSTER', 'DELSLOTS', lost);
  await assert.rejects(cli(['--cluster', 'check', first()]), /Not all 16384 slots are covered/);
  await fix();
  await check();
});

test('the keys of a running Redis are imported', { skip: !RedisServer.isThere }, async () => {
  const redis = await RedisServer.start();
  const client = new Client([redis.port]);
  for (let i = 0; i < 2000; ++i) await client.call('SET', `import:${i}`, `value:${i}`);
  await client.call('RPUSH', 'import:list', 'a', 'b', 'c');
  await client.call('HSET', 'import:hash', 'field', 'value');
  await client.call('ZADD', 'import:zset', '1.5', 'one');
  await client.call('SADD', 'import:set', '1', '2', '3');
  await client.call('XADD', 'import:stream', '1-1', 'f', 'v');
  await client.call('SET', 'import:ttl', 'x', 'EX', '1000');
  const load = (...options) => cli(
    ['--cluster', 'import', first(), '--cluster-from', redis.address, ...options], { timeoutMs: 120000 });
  const here = new Client(cluster.servers.map((each) => each.port));
  await load('--cluster-copy');
  const keys = await client.call('DBSIZE');
  assert.equal(keys, 2006);
  assert.equal(await here.call('GET', 'import:1999'), 'value:1999');
  // What is there stays, unless it is to be replaced.
  await here.call('SET', 'import:0', 'older');
  await load('--cluster-copy').catch(() => {});
  assert.equal(await here.call('GET', 'import:0'), 'older');
  await load('--cluster-copy', '--cluster-replace');
  assert.equal(await here.call('GET', 'import:0'), 'value:0');
  assert.equal(await client.call('DBSIZE'), keys);
  await load('--cluster-replace');
  assert.equal(await client.call('DBSIZE'), 0);
  client.end();
  for (let i = 0; i < 2000; ++i) assert.equal(await here.call('GET', `import:${i}`), `value:${i}`);
  assert.deepEqual(await here.call('LRANGE', 'import:list', 0, -1), ['a', 'b', 'c']);
  assert.equal(await here.call('HGET', 'import:hash', 'field'), 'value');
  assert.equal(await here.call('ZSCORE', 'import:zset', 'one'), '1.5');
  assert.equal(await here.call('SCARD', 'import:set'), 3);
  assert.equal(await here.call('XLEN', 'import:stream'), 1);
  assert.ok(await here.call('TTL', 'import:ttl') > 900);
  here.end();
  await redis.end();
});

test('a backup of every master is an RDB file that Redis reads', async () => {
  const directory = join(cluster.directory, 'backup');
  mkdirSync(directory);
  await cli(['--cluster', 'backup', first(), directory]);
  const files = readdirSync(directory);
  const dumps = files.filter((each) => each.endsWith('.rdb'));
  assert.equal(dumps.length, 3);
  for (const dump of dumps) assert.match(readFileSync(join(directory, dump)).toString('latin1', 0, 9), /^REDIS00/);
  const nodes = JSON.parse(readFileSync(join(directory, 'nodes.json')));
  assert.equal(nodes.length, cluster.servers.length);
  if (!RedisServer.isThere) return;
  let keys = 0;
  for (const dump of dumps) keys += await RedisServer.keysIn(join(directory, dump));
  const here = await Promise.all((await masters()).map((each) => cluster.byPort(each.port).call('DBSIZE')));
  assert.equal(keys, here.reduce((sum, each) => sum + each, 0));
});

test('settings of all nodes are changed at once', async () => {
  await cli(['--cluster', 'set-timeout', first(), 3000]);
  for (const server of cluster.servers) {
    assert.deepEqual(await server.call('CONFIG', 'GET', 'cluster-node-timeout'), ['cluster-node-timeout', '3000']);
  }
});
