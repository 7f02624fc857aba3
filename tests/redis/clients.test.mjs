// The clients that users of Redis Cluster have, against a cluster of ours: each finds the nodes, follows
// redirections and goes on when a master is killed or another one takes its place.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Redis from 'ioredis';
import { createCluster } from 'redis';

import { Cluster, sleep, until } from './lab.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const cluster = new Cluster();
before(() => cluster.create(3, 1));
after(() => cluster.end());

const ports = () => cluster.servers.map((each) => each.port);

/// Runs a program of another language with the ports as its arguments.
function run(program, args) {
  return new Promise((resolve, reject) => {
    execFile(program, args.map(String), { timeout: 60000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

const works = (program, ...args) => spawnSync(program, args).status === 0;
const python = ['/usr/bin/python3', 'python3'].find((each) => works(each, '-c', 'import redis.cluster'));

/// Increments until `stop`; what was acknowledged has to be there.
async function countMeanwhile(increment, read, step) {
  const acknowledged = new Array(50).fill(0);
  const unknown = new Array(50).fill(0);
  let running = true;
  const loops = Array.from({ length: 10 }, async () => {
    while (running) {
      const key = Math.floor(Math.random() * 50);
      try {
        await increment(key);
        ++acknowledged[key];
      } catch {
        ++unknown[key];
        await sleep(10);
      }
    }
  });
  const done = () => acknowledged.reduce((sum, each) => sum + each, 0);
  await until('it counts', () => done() > 200);
  await step();
  const before = done();
  await until('it goes on', () => done() > before + 200);
  running = false;
  await Promise.all(loops);
  for (let key = 0; key < 50; ++key) {
    const value = Number(await read(key));
    assert.ok(value >= acknowledged[key] && value <= acknowledged[key] + unknown[key],
      `${key}: ${value}, acknowledged ${acknowledged[key]}, unknown ${unknown[key]}`);
  }
}

const someMaster = async () => cluster.byPort((await cluster.nodes())
  .find((each) => each.flags.includes('master') && each.slots.length > 0 && each.port !== cluster.servers[0].port).port);

async function killAMaster() {
  const victim = await someMaster();
  await victim.kill();
  await sleep(3000);
  await victim.start();
  await cluster.settled();
}

async function handOver() {
  const replica = (await cluster.nodes()).find((each) => each.flags.includes('slave'));
  assert.equal(await cluster.byPort(replica.port).call('CLUSTER', 'FAILOVER'), 'OK');
  await until('it leads', async () => await cluster.byPort(replica.port).info('role') === 'master');
  await cluster.settled();
}

test('ioredis', async () => {
  const client = new Redis.Cluster(ports().map((port) => ({ host: '127.0.0.1', port })), { scaleReads: 'master' });
  for (let i = 0; i < 200; ++i) assert.equal(await client.set(`io:${i}`, `v${i}`), 'OK');
  for (let i = 0; i < 200; ++i) assert.equal(await client.get(`io:${i}`), `v${i}`);
  assert.deepEqual(await client.mget('{io}a', '{io}b'), [null, null]);
  assert.deepEqual((await client.multi().set('{io}a', '1').incr('{io}a').exec()).map(([, value]) => value), ['OK', 2]);
  assert.equal(await client.eval('return redis.call("incr", KEYS[1])', 1, '{io}a'), 3);
  assert.deepEqual((await client.pipeline().get('{io}a').get('{io}a').exec()).map(([, value]) => value), ['3', '3']);
  const readers = new Redis.Cluster(ports().map((port) => ({ host: '127.0.0.1', port })), { scaleReads: 'slave' });
  await until('replicas have it', async () => await readers.get('io:7') === 'v7');
  const listener = new Redis.Cluster(ports().map((port) => ({ host: '127.0.0.1', port })));
  const heard = [];
  await listener.subscribe('io:news');
  listener.on('message', (channel, message) => heard.push(`${channel} ${message}`));
  await until('a message comes', async () => {
    await client.publish('io:news', 'hello');
    return heard.includes('io:news hello');
  });
  await countMeanwhile((key) => client.incr(`io:n:${key}`), (key) => client.get(`io:n:${key}`), handOver);
  await countMeanwhile((key) => client.incr(`io:m:${key}`), (key) => client.get(`io:m:${key}`), killAMaster);
  for (const each of [client, readers, listener]) each.disconnect();
});

test('node-redis', async () => {
  const client = createCluster({ rootNodes: ports().map((port) => ({ url: `redis://127.0.0.1:${port}` })) });
  client.on('error', () => {});
  await client.connect();
  for (let i = 0; i < 200; ++i) assert.equal(await client.set(`nr:${i}`, `v${i}`), 'OK');
  for (let i = 0; i < 200; ++i) assert.equal(await client.get(`nr:${i}`), `v${i}`);
  assert.deepEqual(await client.multi().set('{nr}a', '1').incr('{nr}a').exec(), ['OK', 2]);
  const heard = [];
  await client.sSubscribe('nr:news', (message) => heard.push(message));
  await until('a message comes', async () => {
    await client.sPublish('nr:news', 'hello');
    return heard.includes('hello');
  });
  await client.sUnsubscribe('nr:news');
  await countMeanwhile((key) => client.incr(`nr:n:${key}`), (key) => client.get(`nr:n:${key}`), handOver);
  await countMeanwhile((key) => client.incr(`nr:m:${key}`), (key) => client.get(`nr:m:${key}`), killAMaster);
  client.destroy();
});

test('python3-redis', { skip: !python }, async () => {
  assert.match(await run(python, [join(here, 'client.py'), ...ports()]), /^ok$/m);
});

test('ruby-redis', { skip: !works('ruby', '-e', 'require "redis"') }, async () => {
  assert.match(await run('ruby', [join(here, 'client.rb'), ...ports()]), /^ok$/m);
});

test('redis-benchmark', { skip: !works('redis-benchmark', '--version') }, async () => {
  const output = await run('redis-benchmark', ['-p', ports()[0], '--cluster', '-c', 20, '-n', 3000, '-q', '-t',
    'ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset']);
  for (const name of ['SET', 'GET', 'INCR', 'LPUSH', 'ZADD', 'LRANGE_100', 'MSET']) {
    assert.match(output, new RegExp(`${name}.*requests per second`));
  }
  assert.doesNotMatch(output, /Error/i);
});
