// Three masters and three replicas under fifty clients that count, while masters are killed, stopped and cut off: what
// was acknowledged and is gone, what nobody asked for, what was read though it was no longer true, and how long clients
// waited. tools/dev/chaos.sh starts it in namespaces of its own. The same can be asked of a redis-server.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Connection, Reply, Unknown, withTimeout } from '../redis/resp.mjs';
import { addressOf, run } from './system.mjs';

const PORT = 7000;
const NODES = 6;
const OBSERVER = NODES + 1;
const ANSWER_MS = 1000;
const SETTLE_MS = 60000;
const HELD_MS = 6000;  // How long a fault lasts at least: longer than it takes to find it.

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, test, withinMs = SETTLE_MS) {
  let problem = '';
  for (const end = Date.now() + withinMs; ;) {
    try {
      const result = await test();
      if (result) return result;
      problem = '';
    } catch (error) {
      problem = `: ${error.message}`;
    }
    if (Date.now() > end) throw new Error(`not within ${withinMs / 1000} s: ${what}${problem}`);
    await sleep(50);
  }
}

/// CRC16 as XMODEM has it: a key's slot.
function slotOf(key) {
  let crc = 0;
  for (const byte of Buffer.from(key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; ++bit) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc % 16384;
}

class Node {
  constructor(lab, number) {
    Object.assign(this, { lab, number, address: addressOf(number), directory: join(lab.out, `node${number}`) });
    mkdirSync(this.directory, { recursive: true });
  }

  start() {
    const log = openSync(join(this.directory, 'output'), 'a');
    const options = { port: PORT, bind: this.address, 'protected-mode': 'no', 'cluster-enabled': 'yes',
      'cluster-node-timeout': 2000, dir: this.directory, appendonly: 'yes', save: '', logfile: 'log' };
    this.child = spawn('nsenter', [`--net=/run/netns/node${this.number}`, this.lab.server,
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])], { stdio: ['ignore', log, log] });
    this.exited = new Promise((resolve) => this.child.once('exit', resolve));
  }

  async end() {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /// Not on a connection that the fault may hold up.
  async call(...command) {
    const connection = new Connection(PORT, this.address);
    try {
      return await withTimeout(connection.call(command), ANSWER_MS, connection);
    } finally {
      connection.end();
    }
  }

  async info(field) {
    return new RegExp(`^${field}:(.*)$`, 'm').exec(await this.call('INFO'))?.[1].trim();
  }
}

class Lab {
  constructor({ build, server, out }) {
    Object.assign(this, { build, server, out });
    this.nodes = [];
  }

  async open() {
    rmSync(this.out, { recursive: true, force: true });
    for (let i = 1; i <= NODES; ++i) run('ip', 'netns', 'add', `node${i}`);
    const spaces = Array.from({ length: NODES }, (_, i) => `/run/netns/node${i + 1}`);
    this.switch = spawn(join(this.build, 'bin/chaos_switch'), ['1', ...spaces, '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.switchEnded = new Promise((resolve) => this.switch.once('exit', resolve));
    await new Promise((resolve, reject) => {
      this.switch.stdout.once('data', resolve);
      this.switch.once('exit', () => reject(new Error('the switch did not start')));
    });
    for (let i = 1; i <= NODES; ++i) this.configure(['-n', `node${i}`], i);
    this.configure([], OBSERVER);
    for (let i = 1; i <= NODES; ++i) {
      const node = new Node(this, i);
      this.nodes.push(node);
      node.start();
    }
    for (const node of this.nodes) await until(`${node.address} answers`, async () => await node.call('PING') === 'PONG');
    execFileSync('redis-cli', ['--cluster', 'create', ...this.nodes.map((each) => `${each.address}:${PORT}`),
      '--cluster-replicas', '1', '--cluster-yes'], { timeout: 60000 });
    await this.settled();
  }

  configure(where, port) {
    run('ip', ...where, 'link', 'set', 'lo', 'up');
    run('ip', ...where, 'address', 'add', `${addressOf(port)}/24`, 'dev', 'chaos0');
    run('ip', ...where, 'link', 'set', 'chaos0', 'up');
  }

  links(commands) {
    this.switch.stdin.write(['heal', ...commands].map((line) => `${line}\n`).join(''));
  }

  /// [{ number, flags, master, slots }] as a node has it.
  async view(node) {
    const text = await node.call('CLUSTER', 'NODES');
    return text.trim().split('\n').map((line) => {
      const [id, address, flags, master, , , , , ...slots] = line.split(' ');
      const host = address.split(':')[0];
      return { id, number: this.nodes.find((each) => each.address === host)?.number, flags: flags.split(','), master,
        slots: slots.filter((each) => !each.startsWith('[')) };
    });
  }

  async masters(node) {
    return (await this.view(node)).filter((each) => each.flags.includes('master') && !each.flags.includes('fail')
      && each.slots.length > 0);
  }

  /// All are up and agree, and each master has its replica.
  settled() {
    return until('the cluster is well', async () => {
      const pictures = new Set();
      for (const node of this.nodes) {
        if (!(await node.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) return false;
        const view = await this.view(node);
        if (view.length !== NODES || view.some((each) => each.flags.some((flag) => flag.startsWith('fail')))) return false;
        if (view.filter((each) => each.flags.includes('slave')).length !== 3) return false;
        pictures.add(view.map((each) => `${each.id} ${each.slots} ${each.master}`).sort().join('\n'));
        if (await node.info('role') === 'slave' && await node.info('master_link_status') !== 'up') return false;
      }
      return pictures.size === 1;
    });
  }

  async close() {
    for (const node of this.nodes) await node.end();
    this.switch.stdin.end();
    await this.switchEnded;
    for (let i = 1; i <= NODES; ++i) run('ip', 'netns', 'del', `node${i}`);
  }
}

/// Fifty clients, which share what they know of the slots, as the clients of one process do.
class Load {
  constructor(lab, { clients = 50, keys = 1000 } = {}) {
    this.lab = lab;
    this.keys = Array.from({ length: keys }, (_, i) => {
      const name = `counter:${i}`;
      return { name, slot: slotOf(name), acknowledged: 0, unknown: 0 };
    });
    this.owners = new Array(16384);
    this.totals = { acknowledged: 0, reads: 0, stale: 0 };
    this.open = true;
    this.busy = 0;
    this.loops = Array.from({ length: clients }, () => this.loop());
  }

  async loop() {
    const connections = new Map();
    while (this.open) {
      if (this.paused) {
        await sleep(5);
        continue;
      }
      ++this.busy;
      const key = this.keys[Math.floor(Math.random() * this.keys.length)];
      await (Math.random() < 0.25 ? this.read(connections, key) : this.increment(connections, key));
      --this.busy;
    }
    for (const each of connections.values()) each.end();
  }

  async increment(connections, key) {
    const least = key.acknowledged;
    try {
      const value = await this.call(connections, key, ['INCR', key.name]);
      ++key.acknowledged;
      ++this.totals.acknowledged;
      if (value <= least) ++this.totals.stale;
      this.note(key);
    } catch (error) {
      if (error instanceof Unknown) ++key.unknown;
      await sleep(20);
    }
  }

  async read(connections, key) {
    const least = key.acknowledged;
    try {
      const value = Number(await this.call(connections, key, ['GET', key.name]) ?? 0);
      ++this.totals.reads;
      if (value < least) ++this.totals.stale;
    } catch {
      await sleep(20);
    }
  }

  /// How long none of the keys that are hit, and none of the others, was acknowledged.
  note(key) {
    if (!this.gaps) return;
    const now = Date.now();
    const gap = this.gaps[this.isHit(key) ? 'hit' : 'elsewhere'];
    gap.longest = Math.max(gap.longest, now - gap.last);
    gap.last = now;
  }

  async call(connections, key, command) {
    let address = this.owners[key.slot] ?? addressOf(1 + Math.floor(Math.random() * NODES));
    for (let tries = 0; tries < 10; ++tries) {
      let connection = connections.get(address);
      if (!connection || connection.closed) {
        connection = new Connection(PORT, address);
        connections.set(address, connection);
      }
      try {
        const answer = await withTimeout(connection.call(command), ANSWER_MS, connection);
        this.owners[key.slot] = address;
        return answer;
      } catch (error) {
        if (!(error instanceof Reply)) {
          this.owners[key.slot] = undefined;  // Another node may know better.
          throw connection.connected ? error : new Reply('not sent');
        }
        const [kind, , to] = error.message.split(' ');
        if (kind !== 'MOVED' && kind !== 'ASK') {
          this.owners[key.slot] = undefined;
          throw error;
        }
        address = to.split(':')[0];
        if (tries > 3) await sleep(20);
      }
    }
    throw new Reply('too many redirections');
  }

  /// From now on gaps are measured.
  begin(isHit) {
    this.from = Date.now();
    this.isHit = isHit;
    this.gaps = { hit: { last: this.from, longest: 0 }, elsewhere: { last: this.from, longest: 0 } };
  }

  async rest() {
    this.paused = true;
    await until('all clients rest', () => this.busy === 0);
  }

  /// What is there, beside what was acknowledged; then all begin anew from what is there.
  async compare() {
    const result = { lost: 0, invented: 0 };
    const connections = new Map();
    for (const key of this.keys) {
      const value = Number(await until(`${key.name} is read`, async () => (
        await this.call(connections, key, ['GET', key.name]) ?? '0')));
      result.lost += Math.max(0, key.acknowledged - value);
      result.invented += Math.max(0, value - key.acknowledged - key.unknown);
      key.acknowledged = value;
      key.unknown = 0;
    }
    for (const each of connections.values()) each.end();
    return result;
  }

  async stop() {
    this.open = false;
    await Promise.all(this.loops);
  }
}

const others = (number, also = []) => [...Array.from({ length: NODES }, (_, i) => i + 1).filter((each) => each !== number), ...also];
const outwards = (number, peers) => peers.map((peer) => `cut ${number} ${peer}`);
const inwards = (number, peers) => peers.map((peer) => `cut ${peer} ${number}`);

/// What happens to a master; `isolated`, `deaf` and `mute` ones are still reached by clients.
const KINDS = {
  killed: { begin: (lab, node) => node.end(), end: (lab, node) => node.start() },
  stopped: { begin: (lab, node) => process.kill(node.child.pid, 'SIGSTOP'), end: (lab, node) => process.kill(node.child.pid, 'SIGCONT') },
  unplugged: cut((number) => [...outwards(number, others(number, [OBSERVER])), ...inwards(number, others(number, [OBSERVER]))]),
  isolated: cut((number) => [...outwards(number, others(number)), ...inwards(number, others(number))]),
  deaf: cut((number) => inwards(number, others(number))),
  mute: cut((number) => outwards(number, others(number))),
};

function cut(commandsOf) {
  return { begin: (lab, node) => lab.links(commandsOf(node.number)), end: (lab) => lab.links([]) };
}

async function round(lab, load, name) {
  await lab.settled();
  load.paused = false;
  await sleep(1000);
  const masters = await lab.masters(lab.nodes[0]);
  const victim = masters[Math.floor(Math.random() * masters.length)];
  const node = lab.nodes[victim.number - 1];
  const witness = lab.nodes.find((each) => each !== node && each.number !== victim.number);
  const ranges = victim.slots.map((each) => each.split('-').map(Number));
  const isHit = (key) => ranges.some(([first, last]) => key.slot >= first && key.slot <= (last ?? first));
  load.begin(isHit);
  await KINDS[name].begin(lab, node);
  const held = sleep(HELD_MS);
  const led = await until('another one leads', async () => (await lab.masters(witness))
    .every((each) => each.number !== victim.number), 40000).then(() => Date.now() - load.from, () => NaN);
  await held;
  await KINDS[name].end(lab, node);
  await sleep(500);
  await lab.settled();
  await sleep(500);
  await load.rest();
  const { hit, elsewhere } = load.gaps;
  return { name, node: victim.number, led, pause: hit.longest, elsewhere: elsewhere.longest, ...await load.compare() };
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const sum = (rounds, field) => rounds.reduce((total, each) => total + each[field], 0);

function describe(title, rounds, totals) {
  const lines = [`${title}: ${totals.acknowledged} acknowledged, ${totals.reads} read, ${totals.stale} older than acknowledged`];
  for (const name of [...new Set(rounds.map((each) => each.name)), 'all']) {
    const some = rounds.filter((each) => name === 'all' || each.name === name);
    lines.push(`  ${name.padEnd(10)} ${String(some.length).padStart(3)} times: lost ${sum(some, 'lost')}, invented ${sum(some, 'invented')}, `
      + `another leads after ${median(some.map((each) => each.led))} ms (median, worst ${Math.max(...some.map((each) => each.led))}), `
      + `its keys wait ${median(some.map((each) => each.pause))} ms (worst ${Math.max(...some.map((each) => each.pause))}), `
      + `others ${median(some.map((each) => each.elsewhere))} (${Math.max(...some.map((each) => each.elsewhere))})`);
  }
  return lines.join('\n');
}

async function trial(title, options, server, rounds) {
  const lab = new Lab({ build: options.build, server, out: join(options.build, 'chaos-keys', title) });
  const done = [];
  await lab.open();
  const load = new Load(lab, { clients: options.clients });
  try {
    for (let i = 0; i < rounds; ++i) {
      done.push(await round(lab, load, options.kinds[i % options.kinds.length]));
      const last = done.at(-1);
      console.log(`${title} ${i + 1}: node ${last.node} ${last.name}, another leads after ${last.led} ms, its keys wait `
        + `${last.pause} ms, others ${last.elsewhere}; lost ${last.lost}, invented ${last.invented}; so far `
        + `${load.totals.acknowledged} acknowledged, ${load.totals.stale} stale`);
    }
  } finally {
    await load.stop();
    await lab.close();
  }
  writeFileSync(join(options.build, 'chaos-keys', `${title}.json`), JSON.stringify({ rounds: done, totals: load.totals }));
  return { title, rounds: done, totals: load.totals };
}

async function main() {
  const { values } = parseArgs({ options: {
    build: { type: 'string' }, rounds: { type: 'string', default: '50' }, clients: { type: 'string', default: '50' },
    only: { type: 'string', default: Object.keys(KINDS).join(',') }, peer: { type: 'string' },
    'peer-rounds': { type: 'string', default: '12' }, server: { type: 'string' },
  } });
  const options = { build: values.build, clients: Number(values.clients), kinds: values.only.split(',') };
  const unknown = options.kinds.find((each) => !KINDS[each]);
  if (unknown) throw new Error(`no fault '${unknown}'; there are: ${Object.keys(KINDS).join(', ')}`);
  run('mount', '-t', 'tmpfs', 'tmpfs', '/run');  // In this process's mount namespace only.
  const results = [await trial('kumosearch', options, values.server ?? join(values.build, 'bin/kumosearch-server'), Number(values.rounds))];
  if (values.peer) results.push(await trial('peer', options, values.peer, Number(values['peer-rounds'])));
  for (const each of results) console.log(describe(each.title, each.rounds, each.totals));
  const ours = results[0];
  return sum(ours.rounds, 'lost') + sum(ours.rounds, 'invented') + ours.totals.stale === 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
process.exit(await main().catch((error) => {
  console.error(`chaos keys: ${error.stack}`);
  return 3;
}));
