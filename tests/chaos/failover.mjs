// How long do clients wait when the leader goes away? The same trial again and again, for each way.

import { now, request, sleep, until } from './api.mjs';
import { FAULTS } from './faults.mjs';
import { judge, longestPause } from './judge.mjs';
import { quantile, table } from './report.mjs';
import { finalStates, openLab, startLoad } from './run.mjs';

const WAYS = {
  'stopped (SIGSTOP)': 'pause',
  'cut off': 'unplug',
  'killed (kill -9)': 'kill',
  'handed over (vote)': 'handover',
};
const TAKEN_OVER_MS = 30000;
const WHOLE_MS = 60000;
const AFTER_MS = 300;

/// One trial; resolves to the interval in which a pause is looked for.
async function trial(lab, way) {
  if (!await lab.whole(WHOLE_MS)) throw new Error('the cluster is not whole');
  await sleep(AFTER_MS);
  const old = await lab.leader();
  if (!old) throw new Error('there is no leader');
  const others = lab.machines.filter(({ number }) => number !== old);
  const fault = { parameters: {}, pick: 0 };
  const target = way === 'handover' ? others[0] : lab.machines[old - 1];
  const from = now();
  if (!await FAULTS[way].begin(lab, fault, target)) throw new Error(`${way} was refused by node ${target.number}`);
  const took = await until(async () => {
    const leaders = (await lab.leaders()).filter((number) => number !== old);
    if (leaders.length !== 1) return undefined;
    // A write is taken by a node that was not the leader.
    const body = JSON.stringify({ id: 'probe', v: 0, text: 'value number0 of 0' });
    const path = '/collections/chaos/documents?action=upsert';
    const { status } = await request(lab.machines[leaders[0] - 1].address, 'POST', path, { body });
    return status < 300;
  }, TAKEN_OVER_MS, 20);
  if (!took) throw new Error(`${way} of node ${old}: nobody took over in ${TAKEN_OVER_MS / 1000} s`);
  await sleep(AFTER_MS);
  const to = now();
  await FAULTS[way].end(lab, fault, target);
  return { from, to };
}

export async function measureFailover(options, say) {
  if (options.nodes < 3) {
    say('chaos: a failover needs at least 3 nodes');
    return 2;
  }
  const lab = await openLab(options, options.seed);
  try {
    const load = startLoad(lab, 'pulse.mjs', {});
    const trials = Object.fromEntries(Object.keys(WAYS).map((name) => [name, []]));
    for (const [name, way] of Object.entries(WAYS)) {
      for (let i = 0; i < options.trials; ++i) trials[name].push(await trial(lab, way));
      say(`${name}: ${options.trials} trials done`);
    }
    await lab.whole(WHOLE_MS);
    const history = await load.stop();
    const finals = (await finalStates(lab)).map((final) => {
      final.documents.delete('probe');
      return final;
    });
    const violations = judge(history, finals);
    const ms = (value) => Math.round(value);
    say(table(['the leader is', 'trials', 'pause p50 (ms)', 'p99', 'max', 'slowest write p50 (ms)', 'max'],
      Object.entries(trials).map(([name, intervals]) => {
        const pauses = intervals.map(({ from, to }) => longestPause(history, from, to).ms);
        const slowest = intervals.map(({ from, to }) => Math.max(0, ...history
          .filter((op) => op.t0 < to && op.t1 > from).map((op) => op.t1 - op.t0)));
        return [name, intervals.length, ms(quantile(pauses, 0.5)), ms(quantile(pauses, 0.99)), ms(Math.max(...pauses)),
          ms(quantile(slowest, 0.5)), ms(Math.max(...slowest))];
      })));
    say(`${history.length} writes, ${violations.length} violations`);
    for (const { kind, id, text } of violations.slice(0, 10)) say(`  ${kind} ${id}: ${text}`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    await lab.close();
  }
}
