// A cluster of keys as its users make and break it: the stock redis-cli, kill -9, failovers by hand, restarts.
// What was acknowledged is there afterwards.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { cli, Client, Cluster, Counters, sleep, until } from './lab.mjs';

const cluster = new Cluster();
before(() => cluster.create(3, 1));
after(() => cluster.end());

const masterOf = async (slot) => (await cluster.nodes()).find((node) => node.flags.includes('master')
  && node.slots.some((range) => {
    const [first, last] = range.split('-').map(Number);
    return slot >= first && slot <= (last ?? first);
  }));

test('commands are redirected, and replicas answer those who ask for it', async () => {
  const client = new Client(cluster.servers.map((each) => each.port));
  for (let i = 0; i < 100; ++i) assert.equal(await client.call('SET', `key:${i}`, `value:${i}`), 'OK');
  for (let i = 0; i < 100; ++i) assert.equal(await client.call('GET', `key:${i}`), `value:${i}`);
  client.end();
  for (const server of cluster.servers) {
    await assert.rejects(server.call('MSET', 'a', '1', 'b', '2'), /CROSSSLOT/);
    await assert.rejects(server.call('SELECT', '1'), /not allowed in cluster mode/);
  }
});

test('a master that is killed is replaced, and loses nothing', async () => {
  const load = new Counters(cluster);
  await until('there is a load', () => load.done > 500);
  const dead = cluster.byPort((await masterOf(0)).port);
  await dead.kill();
  const from = Date.now();
  await until('another one leads', async () => (await masterOf(0)).port !== dead.port);
  const took = Date.now() - from;
  const done = load.done;
  await until('the load goes on', () => load.done > done + 500);
  await dead.start();
  await cluster.settled();
  await load.stop();
  assert.deepEqual(await load.wrong(), []);
  assert.equal(await dead.info('role'), 'slave');
  console.log(`# ${load.done} acknowledged, failover in ${took} ms, longest pause ${load.longestPauseMs} ms`);
});

test('a failover by hand loses nothing', async () => {
  const load = new Counters(cluster);
  await until('there is a load', () => load.done > 500);
  for (let round = 0; round < 3; ++round) {
    const replicas = (await cluster.nodes()).filter((node) => node.flags.includes('slave'));
    const next = cluster.byPort(replicas[round % replicas.length].port);
    assert.equal(await next.call('CLUSTER', 'FAILOVER'), 'OK');
    await until('the replica leads', async () => await next.info('role') === 'master');
    await cluster.settled();
  }
  await load.stop();
  assert.deepEqual(await load.wrong(), []);
  assert.ok(Math.max(...load.unknown) === 0, 'no connection was dropped');
  console.log(`# ${load.done} acknowledged, longest pause ${load.longestPauseMs} ms`);
});

test('all at once are killed, and come back with everything', async () => {
  const load = new Counters(cluster, { keys: 100 });
  await until('there is a load', () => load.done > 500);
  for (const server of cluster.servers) server.kill();
  await Promise.all(cluster.servers.map((each) => each.exited));
  await load.stop();
  for (const server of cluster.servers) await server.start();
  await cluster.settled();
  assert.deepEqual(await load.wrong(), []);
});

test('slots move while they are used', async () => {
  const load = new Counters(cluster, { keys: 200 });
  await until('there is a load', () => load.done > 500);
  const masters = (await cluster.nodes()).filter((node) => node.flags.includes('master') && node.slots.length > 0);
  await cli(['--cluster', 'reshard', cluster.servers[0].address, '--cluster-from', masters[0].id, '--cluster-to', masters[1].id,
    '--cluster-slots', 300, '--cluster-yes'], { timeoutMs: 120000 });
  await load.stop();
  assert.deepEqual(await load.wrong(), []);
  assert.match(await cli(['--cluster', 'check', cluster.servers[0].address]), /All 16384 slots covered/);
});
