// How long do clients wait when the leader goes away? The same trial again and again, for each way.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  'left alone: a copy hangs (SIGSTOP)': 'hang',
};

/// What `--only` may name.
export const FAILOVERS = Object.values(WAYS);

/// Only the child dies; the supervisor tells the others. It is ended too, and started anew, as it
/// waits longer after each death.
const KILL_SUPERVISED = {
  begin: (lab, fault, machine) => { machine.signalServing('SIGKILL'); return true; },
  end: async (lab, fault, machine) => { await machine.end('SIGTERM'); machine.start(); },
};
const TAKEN_OVER_MS = 30000;
const WHOLE_MS = 60000;
const AFTER_MS = 300;

/// What a node knows of the cluster: who leads, and who has the shard's primary, as numbers of machines.
async function view(lab, machine) {
  const { text } = await request(machine.address, 'GET', '/operations/cluster', { timeoutMs: 300 });
  const { members, shards } = JSON.parse(text);
  const numberOf = (member) => lab.machines.findIndex(({ address }) => member?.peering_address.startsWith(`${address}:`)) + 1;
  const primary = shards[0]?.copies.find((copy) => copy.primary)?.node;
  return {
    leader: numberOf(members.find(({ self, leads }) => self && leads)),
    primary: numberOf(members.find(({ id }) => id === primary)),
  };
}

/// Resolves to the time at which `test` of what one of the machines knows is first seen to be true.
async function firstSeen(lab, machines, test) {
  const seen = await until(async () => {
    const views = await Promise.all(machines.map((machine) => view(lab, machine).catch(() => undefined)));
    return views.some((each) => each && test(each)) && now();
  }, TAKEN_OVER_MS, 10);
  return seen ?? NaN;
}

/// Has the node lead that has the shard's primary, or (odd trials) another one. Resolves to its number.
async function arrange(lab, i) {
  const arranged = await until(async () => {
    const leader = await lab.leader();
    const { primary } = await view(lab, lab.machines[leader - 1]);
    if ((leader === primary) === (i % 2 === 0)) return leader;
    const wanted = i % 2 === 0 ? primary : (primary % lab.size) + 1;
    await request(lab.machines[wanted - 1].address, 'POST', '/operations/vote');
    return false;
  }, WHOLE_MS);
  if (!arranged) throw new Error('the leadership could not be put where it was wanted');
  return arranged;
}

/// One trial: { from, to } is the interval in which a pause is looked for; `led` and `moved` are when
/// another node led, and when the shard's primary was another one.
async function trial(lab, way, fault, i) {
  if (!await lab.whole(WHOLE_MS)) throw new Error('the cluster is not whole');
  const old = await arrange(lab, i);
  await sleep(AFTER_MS);
  const others = lab.machines.filter(({ number }) => number !== old);
  const entry = { parameters: {}, pick: 0 };
  const { primary } = await view(lab, lab.machines[old - 1]);
  const target = way === 'handover' ? others[0]
    : way === 'hang' ? others.find(({ number }) => number !== primary) : lab.machines[old - 1];
  const from = now();
  const wall = new Date().toISOString();
  if (!await fault.begin(lab, entry, target)) throw new Error(`${way} was refused by node ${target.number}`);
  if (way === 'hang') {
    if (!await until(() => taken(lab), TAKEN_OVER_MS, 20)) throw new Error('a copy that hangs held everybody up');
    await sleep(AFTER_MS);
    const to = now();
    await fault.end(lab, entry, target);
    return { way, old, primary, wall, from, to, led: NaN, moved: NaN };
  }
  const led = firstSeen(lab, others, ({ leader }) => leader !== 0);
  const moved = firstSeen(lab, others, (each) => each.primary !== 0 && each.primary !== old);
  const took = await until(() => taken(lab, old), TAKEN_OVER_MS, 20);
  if (!took) throw new Error(`${way} of node ${old}: nobody took over in ${TAKEN_OVER_MS / 1000} s`);
  await sleep(AFTER_MS);
  const to = now();
  await fault.end(lab, entry, target);
  const result = { way, old, primary, wall, from, to, led: await led - from };
  return { ...result, moved: primary === old ? await moved - from : NaN };
}

/// A write is taken by a node that leads and is not `old`.
async function taken(lab, old) {
  const leaders = (await lab.leaders()).filter((number) => number !== old);
  if (leaders.length !== 1) return undefined;
  const body = JSON.stringify({ id: 'probe', v: 0, text: 'value number0 of 0' });
  const path = '/collections/chaos/documents?action=upsert';
  const { status } = await request(lab.machines[leaders[0] - 1].address, 'POST', path, { body });
  return status < 300;
}

export async function measureFailover(options, say) {
  if (options.nodes < 3) {
    say('chaos: a failover needs at least 3 nodes');
    return 2;
  }
  const server = options.supervised ? [...options.server, '--supervise'] : options.server;
  const lab = await openLab({ ...options, server }, options.seed);
  const ways = Object.entries(WAYS).filter(([, way]) => !options.only || options.only.includes(way));
  try {
    const load = startLoad(lab, 'pulse.mjs', {});
    const trials = Object.fromEntries(ways.map(([name]) => [name, []]));
    for (const [name, way] of ways) {
      const fault = options.supervised && way === 'kill' ? KILL_SUPERVISED : FAULTS[way === 'hang' ? 'pause' : way];
      for (let i = 0; i < options.trials; ++i) trials[name].push(await trial(lab, way, fault, i));
      say(`${name}: ${options.trials} trials done`);
    }
    await lab.whole(WHOLE_MS);
    const history = await load.stop();
    const finals = (await finalStates(lab)).map((final) => {
      final.documents.delete('probe');
      return final;
    });
    const violations = judge(history, finals);
    for (const each of Object.values(trials).flat()) each.pause = longestPause(history, each.from, each.to).ms;
    writeFileSync(join(lab.out, 'trials.json'), JSON.stringify(trials, null, 1));
    say(describe(trials));
    say(`${history.length} writes, ${violations.length} violations`);
    for (const { kind, id, text } of violations.slice(0, 10)) say(`  ${kind} ${id}: ${text}`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    await lab.close();
  }
}

function describe(trials) {
  const at = (values, q) => {
    const ms = quantile(values.filter(Number.isFinite), q);
    return Number.isFinite(ms) ? Math.round(ms) : '-';
  };
  const rows = Object.entries(trials).flatMap(([name, all]) => [true, false].map((had) => {
    const some = all.filter(({ old, primary }) => (old === primary) === had);
    const pauses = some.map(({ pause }) => pause);
    const led = some.map((each) => each.led);
    return [name, had ? 'yes' : 'no', some.length, at(pauses, 0.5), at(pauses, 0.99), at(pauses, 1), at(led, 0.5), at(led, 1),
      at(some.map(({ moved }) => moved), 0.5)];
  }));
  return table(['the leader is', 'had the primary', 'trials', 'pause p50 (ms)', 'p99', 'max', 'another leads p50', 'max',
    'primary moved p50'], rows);
}
