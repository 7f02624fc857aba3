// The entrance: node chaos.mjs [failover] OPTION...; tools/dev/chaos.sh starts it in namespaces of
// its own and documents the options. Exit code: 0 nothing wrong, 1 violations, 2 usage, 3 the harness failed.

import { parseArgs } from 'node:util';
import { FAILOVERS, measureFailover } from './failover.mjs';
import { describeRun, describeRuns } from './report.mjs';
import { runOnce } from './run.mjs';
import { KINDS } from './schedule.mjs';
import { run } from './system.mjs';

// Ending this process ends everything: it is the first of its process namespace.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => { console.log('interrupted'); process.exit(130); });
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      build: { type: 'string' }, nodes: { type: 'string', default: '3' }, seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '1' }, only: { type: 'string' },
      trials: { type: 'string', default: '20' }, supervised: { type: 'boolean', default: false },
      acknowledge: { type: 'string', default: 'sync' },
      server: { type: 'string', multiple: true, default: [] },
    },
  });
  const options = { ...values, mode: positionals[0] ?? 'run' };
  for (const [name, low, high] of [['nodes', 1, 9], ['seconds', 5, 36000], ['seed', 0, 1e9], ['runs', 1, 1e6], ['trials', 1, 1000]]) {
    options[name] = Number(values[name]);
    if (!Number.isInteger(options[name]) || options[name] < low || options[name] > high) {
      throw new Error(`--${name} is a whole number from ${low} to ${high}`);
    }
  }
  if (values.only) {
    options.only = values.only.split(',').map((kind) => kind.trim());
    const known = options.mode === 'failover' ? FAILOVERS : Object.keys(KINDS);
    const unknown = options.only.find((kind) => !known.includes(kind));
    if (unknown) throw new Error(`no fault '${unknown}'; there are: ${known.join(', ')}`);
  }
  if (!['sync', 'majority'].includes(options.acknowledge)) throw new Error('--acknowledge is sync or majority');
  if (!['run', 'failover'].includes(options.mode) || positionals.length > 1) throw new Error(`what is '${positionals.join(' ')}'?`);
  return options;
}

async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`chaos: ${error.message}`);
    return 2;
  }
  run('mount', '-t', 'tmpfs', 'tmpfs', '/run');  // In this process's mount namespace only.
  if (options.mode === 'failover') return measureFailover(options, console.log);
  const results = [];
  for (let seed = options.seed; seed < options.seed + options.runs; ++seed) {
    console.log(`seed ${seed}: ${options.nodes} nodes, ${options.seconds} s`);
    results.push(await runOnce(options, seed, (text) => console.log(`  ${text}`)));
    console.log(describeRun(results.at(-1)));
  }
  if (results.length > 1) console.log(describeRuns(results));
  return results.some(({ violations }) => violations.length !== 0) ? 1 : 0;
}

process.exit(await main().catch((error) => { console.error(error); return 3; }));
