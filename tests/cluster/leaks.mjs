// Three nodes that are told to end while clients write: each exits with 0, and nothing it allocated
// is lost. For a build with AddressSanitizer, or any build under valgrind. Takes minutes.
//     node leaks.mjs SERVER_BINARY [--valgrind]

import assert from 'node:assert/strict';
import { resolve } from 'node:path';

const [server, ...flags] = process.argv.slice(2);
if (!server) throw new Error('node leaks.mjs SERVER_BINARY [--valgrind]');
process.env.KUMO_SERVER = resolve(server);
process.env.ASAN_OPTIONS = 'detect_leaks=1:exitcode=99';
const { until, withCluster } = await import('./cluster.mjs');

const SLOW_MS = 240000;
// It must be told that it has to take jemalloc's place. Compilers test an optional's value before they
// test whether there is one, which it takes for a use of undefined values: those are not asked for.
const VALGRIND = ['valgrind', '--leak-check=full', '--errors-for-leak-kinds=definite,indirect', '--error-exitcode=99',
  '--soname-synonyms=somalloc=*jemalloc*', '--child-silent-after-fork=yes', '--fair-sched=yes',
  '--undef-value-errors=no'];
const valgrind = flags.includes('--valgrind');

await withCluster(3, {}, async (cluster) => {
  for (const node of cluster.nodes) {
    node.settings = ['--thread-pool-size', '2', '--network-threads', '1'];
    if (valgrind) node.launcher = VALGRIND;
    node.start();
  }
  await cluster.whole(cluster.nodes, SLOW_MS);
  await until('there is a collection', () => cluster.makeBooks().then(() => true), SLOW_MS);
  const client = cluster.client({ connectionTimeoutSeconds: 60, numRetries: 10 }).collections('books').documents();
  for (let id = 0; id < 50; ++id) await client.upsert({ id: String(id), title: `title number${id}`, year: id });
  assert.equal((await client.search({ q: 'title', query_by: 'title' })).found, 50);
  assert.equal((await client.export()).split('\n').length, 50);

  const [first, ...others] = cluster.nodes;
  const ends = [await first.end(), ...await Promise.all(others.map((node) => node.end()))];
  for (const [i, node] of cluster.nodes.entries()) {
    const summary = node.output.match(/(total heap usage|definitely lost|ERROR SUMMARY|LeakSanitizer|SUMMARY:).*/g) ?? [];
    console.log(`${node.name}: exit code ${ends[i].code}`, ...summary);
    assert.deepEqual(ends[i], { code: 0, signal: null });
    assert.ok(!valgrind || summary.some((line) => /total heap usage: \d+,\d+,?\d* allocs/.test(line)), 'valgrind has looked');
  }
  console.log('nothing leaked');
})();
