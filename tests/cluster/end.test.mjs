// How servers end: all at once, and what their supervisors say of it.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readText, until, withCluster } from './cluster.mjs';

test('all nodes end at once, and begin again', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.makeBooks();
  await cluster.nodes[0].write([1, 2, 3]);
  const marks = cluster.nodes.map((node) => node.output.length);
  const ends = await Promise.all(cluster.nodes.map((node) => node.end()));
  ends.forEach(({ code }) => assert.equal(code, 0));
  // Whoever led before may have handed it on before it heard of the others, once.
  const led = cluster.nodes.map((node, i) => (node.output.slice(marks[i]).match(/this node leads the cluster/g) ?? []).length);
  assert.ok(led.reduce((sum, each) => sum + each, 0) <= 1, `they led ${led} times`);
  await cluster.start();
  await cluster.hold([1, 2, 3]);
}));

test('a supervisor says in the log of its server what became of it', withCluster(3, {}, async (cluster) => {
  const [node] = cluster.nodes;
  const directory = join(cluster.directory, 'log');
  mkdirSync(directory);
  node.settings = ['--supervise', '--log-dir', directory];
  await cluster.start();
  const log = () => readText(join(directory, 'kumosearch.log'));
  const pid = readText(`/proc/${node.child.pid}/task/${node.child.pid}/children`).trim();
  process.kill(Number(pid), 'SIGKILL');
  await until('the supervisor has said it', () => /the server was killed by signal 9; it is started again\n/.test(log()));
  await until('the others are told', () => /the other nodes know of it\n/.test(log()));
  await cluster.whole();
  assert.ok(!node.said(/killed by signal/), 'only there');
  log().split('\n').filter(Boolean).forEach((line) => assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z [DIWE] \d+ ./));
}));
