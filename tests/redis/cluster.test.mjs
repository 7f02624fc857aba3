// A cluster of keys as its users make and break it: the stock redis-cli, kill -9, failovers by hand, restarts.
// What was acknowledged is there afterwards.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { cli, Client, Cluster, Connection, Counters, sleep, until } from './lab.mjs';

const cluster = new Cluster({ 'enable-debug-command': 'yes' });
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

test('a master that hangs is replaced though it lives, and one that is slow is not', async () => {
  const load = new Counters(cluster);
  await until('there is a load', () => load.done > 500);
  const hangs = cluster.byPort((await masterOf(0)).port);
  const other = cluster.servers.find((each) => each !== hangs);
  const leads = async () => (await cluster.nodes(other)).some((node) => node.port === hangs.port
    && node.flags.includes('master'));
  assert.equal(await hangs.call('DEBUG', 'SLEEP', '1.5'), 'OK');
  await sleep(1500);
  assert.ok(await leads(), 'it was only slow');
  const slept = hangs.call('DEBUG', 'SLEEP', '8').catch(() => {});
  const from = Date.now();
  await until('another one leads', async () => !await leads());
  const took = Date.now() - from;
  await slept;
  await cluster.settled();
  await load.stop();
  assert.deepEqual(await load.wrong(), []);
  assert.equal(await hangs.info('role'), 'slave');
  console.log(`# ${load.done} acknowledged, failover in ${took} ms`);
});

test('a node that is reset answers, in a transaction too', async () => {
  const guest = await cluster.add();
  for (let round = 0; round < 20; ++round) {
    assert.equal(await guest.call('CLUSTER', 'MEET', '127.0.0.1', cluster.servers[0].port), 'OK');
    await until('it is in', async () => (await guest.call('CLUSTER', 'NODES')).trim().split('\n').length === 7);
    const id = await guest.call('CLUSTER', 'MYID');
    const master = (await masterOf(0)).id;
    await until('it is a replica', async () => await guest.call('CLUSTER', 'REPLICATE', master) === 'OK');
    const connection = new Connection(guest.port);
    for (const command of [['MULTI'], ['CLUSTER', 'RESET', 'HARD'], ['CLUSTER', 'SET-CONFIG-EPOCH', '9']]) {
      await connection.call(command);
    }
    assert.deepEqual(await connection.call(['EXEC']), ['OK', 'OK'], `round ${round}`);
    connection.end();
    for (const server of cluster.servers.filter((each) => each !== guest)) await server.call('CLUSTER', 'FORGET', id);
    await until('nobody knows it', async () => (await cluster.nodes(cluster.servers[0])).length === 6);
  }
  await guest.kill();
  cluster.servers.pop();
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
