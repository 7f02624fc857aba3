// One run: a laboratory, clients, the faults of one seed, healing, and the verdict.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API_PORT, KEY, now, request, sleep, until } from './api.mjs';
import { FAULTS, chooseTarget } from './faults.mjs';
import { count, judge, longestPause } from './judge.mjs';
import { Lab } from './lab.mjs';
import { makeSchedule } from './schedule.mjs';

export const COLLECTION = 'chaos';
const WORKERS = 8;
const FOUND_MS = 60000;
const HEAL_MS = 60000;
const EQUAL_MS = 30000;
const END_MS = 30000;

const script = (name) => fileURLToPath(new URL(name, import.meta.url));

/// Starts the laboratory and waits until the cluster serves and has the collection everywhere.
export async function openLab(options, seed) {
  const out = join(options.build, 'chaos', `seed-${seed}`);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const lab = new Lab({ nodes: options.nodes, seed, build: options.build, settings: options.server, out });
  await lab.open();
  if (!await lab.whole(FOUND_MS)) throw new Error(`the cluster did not begin to serve in ${FOUND_MS / 1000} s; logs are in ${out}`);
  const schema = JSON.stringify({
    name: COLLECTION,
    replication_mode: options.acknowledge,
    fields: [{ name: 'v', type: 'int64' }, { name: 'text', type: 'string' }],
  });
  const made = await request(lab.machines[0].address, 'POST', '/collections', { body: schema, timeoutMs: 10000 });
  if (made.status !== 201) throw new Error(`creating the collection was answered ${made.status}: ${made.text}`);
  const everywhere = () => Promise.all(lab.machines.map(({ address }) => request(address, 'GET', `/collections/${COLLECTION}`)))
    .then((answers) => answers.every(({ status }) => status === 200));
  if (!await until(everywhere, HEAL_MS)) throw new Error('the collection did not come to every node');
  return lab;
}

export const startLoad = (lab, name, more) => {
  const file = join(lab.out, 'history.jsonl');
  const child = lab.startClient(script(name), {
    addresses: lab.machines.map(({ address }) => address), port: API_PORT, key: KEY, seed: lab.seed,
    collection: COLLECTION, file, ...more,
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    ended,
    stop: async () => {
      child.stdin.end();
      if (await ended !== 0) throw new Error('the clients failed');
      return readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
    },
  };
};

class Conductor {
  constructor(lab, say) {
    this.lab = lab;
    this.say = say;
    this.busy = new Set();
    this.done = [];
  }

  /// Plays the whole schedule; ends when its last fault has ended.
  async play(schedule) {
    const began = now();
    await Promise.all(schedule.map(async (fault) => {
      await sleep(began + fault.from * 1000 - now());
      const machine = await chooseTarget(this.lab, fault, this.busy);
      if (machine) await this.inflict(fault, machine, began + fault.to * 1000);
    }));
  }

  async inflict(fault, machine, until_ms) {
    const taken = fault.target === 'all' ? this.lab.machines : [machine];
    taken.forEach((one) => this.busy.add(one));
    const from = now();
    const possible = await FAULTS[fault.kind].begin(this.lab, fault, machine);
    const entry = { ...fault, node: fault.target === 'all' ? 'all' : machine.number, possible, fromMs: from };
    this.done.push(entry);
    this.say(`${fault.kind} ${entry.node === 'all' ? '' : `node ${entry.node}`}${possible ? '' : ' (was refused)'} ${describe(fault)}`);
    await sleep(until_ms - now());
    if (possible) await FAULTS[fault.kind].end(this.lab, fault, machine);
    entry.toMs = now();
    taken.forEach((one) => this.busy.delete(one));
  }
}

const describe = ({ parameters }) => Object.entries(parameters).map(([name, value]) => (
  `${name} ${Math.abs(value) < 1 ? value.toFixed(2) : Math.round(value)}`)).join(', ');

/// What each node holds: [{ node, t0, t1, documents }]. Asked again until all are equal.
export async function finalStates(lab) {
  const exported = async ({ address, number }) => {
    const t0 = now();
    const { status, text } = await request(address, 'GET', `/collections/${COLLECTION}/documents/export`, { timeoutMs: 20000 });
    if (status !== 200) throw new Error(`export of node ${number} was answered ${status}: ${text}`);
    const documents = new Map();
    for (const line of text.split('\n').filter(Boolean)) {
      const { id, v, text: words } = JSON.parse(line);
      const whole = Number.isInteger(v) && words === `value number${v} of ${v % 7}` && !documents.has(id);
      documents.set(id, whole ? v : null);
    }
    return { node: number, t0, t1: now(), documents };
  };
  const same = (a, b) => a.size === b.size && [...a].every(([id, v]) => b.get(id) === v);
  let states;
  let problem;
  await until(async () => {
    try {
      states = [];
      for (const machine of lab.machines) states.push(await exported(machine));
      problem = undefined;
      return states.every(({ documents }) => same(documents, states[0].documents));
    } catch (error) {
      problem = error;
      return false;
    }
  }, EQUAL_MS, 300);
  if (problem) throw problem;
  return states;
}

/// Searches must find what the export shows.
async function searchCounts(lab, finals) {
  const violations = [];
  for (const { node, documents } of finals) {
    const path = `/collections/${COLLECTION}/documents/search?q=*&per_page=0`;
    const { status, text } = await request(lab.machines[node - 1].address, 'GET', path, { timeoutMs: 10000 });
    const found = status === 200 ? JSON.parse(text).found : `an answer ${status}`;
    if (found !== documents.size) {
      violations.push({ kind: 'search', text: `node ${node} holds ${documents.size} documents, a search finds ${found}` });
    }
  }
  return violations;
}

async function endServers(lab) {
  const violations = lab.machines.flatMap(({ ends }) => ends.map((text) => ({ kind: 'ended', text })));
  await Promise.all(lab.machines.map(async (machine) => {
    const timer = setTimeout(() => machine.signal('SIGKILL'), END_MS);
    const how = await machine.end('SIGTERM');
    clearTimeout(timer);
    if (how === undefined) violations.push({ kind: 'ended', text: `node ${machine.number} did not run at the end` });
    else if (how.code !== 0) violations.push({ kind: 'ended', text: `node ${machine.number} did not end well: ${JSON.stringify(how)}` });
  }));
  return violations;
}

/// -> { seed, faults, counts, violations, pause, healMs, lab times }
export async function runOnce(options, seed, say) {
  const lab = await openLab(options, seed);
  try {
    const schedule = makeSchedule({ ...options, seed });
    const load = startLoad(lab, 'load.mjs', { workers: WORKERS });
    const from = now();
    const conductor = new Conductor(lab, (text) => say(`${((now() - from) / 1000).toFixed(1)} s  ${text}`));
    await Promise.race([conductor.play(schedule), load.ended]);
    await sleep(from + options.seconds * 1000 - now());
    const violations = [];
    const healing = now();
    const whole = await lab.whole(HEAL_MS);
    const healMs = now() - healing;
    if (!whole) violations.push({ kind: 'not healed', text: `not every node is healthy with one leader ${HEAL_MS / 1000} s after the last fault` });
    await sleep(1000);
    const to = now();
    const history = await load.stop();
    const finals = await finalStates(lab);
    violations.push(...judge(history, finals), ...await searchCounts(lab, finals), ...await endServers(lab));
    const faults = conductor.done.sort((a, b) => a.number - b.number).map((fault, i, all) => ({
      ...fault, pause: longestPause(history, fault.fromMs, all[i + 1]?.fromMs ?? to),
    }));
    writeFileSync(join(lab.out, 'violations.json'), JSON.stringify(violations, null, 2));
    return {
      seed, faults, violations, healMs, out: lab.out, counts: count(history), from, to,
      documents: finals[0].documents.size,
      pause: longestPause(history, from, to),
      readPause: longestPause(history, from, to, (op) => op.kind === 'get' && (op.out === 'ok' || op.out === 'absent')),
    };
  } finally {
    await lab.close();
  }
}
