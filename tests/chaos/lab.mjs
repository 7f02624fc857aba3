// The laboratory: N machines made of network namespaces and disks of their own on one switch, a
// namespace for the clients, and this process as the observer, whose links never fail.
//
// It runs in a process, mount and network namespace of its own (tools/dev/chaos.sh sees to that), so
// whatever way this process ends, the kernel takes down everything that was made here.

import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_PORT, PEERING_PORT, isHealthy, stateOf, until } from './api.mjs';
import { Machine } from './machine.mjs';
import { addressOf, run } from './system.mjs';

const DISK_BYTES = 768 * 1024 * 1024;
const ROOM = '/run/chaos';  // Images, mounts and controls, in memory.

export class Lab {
  /// `build`: the directory with bin/ and lib/; `settings`: more arguments for the servers; `out`:
  /// where logs go.
  constructor({ nodes, seed, build, settings, out }) {
    this.settings = settings;
    this.size = nodes;
    this.seed = seed;
    this.build = build;
    this.out = out;
    this.clientPort = nodes + 1;
    this.observerPort = nodes + 2;
    this.machines = [];
    this.linkFaults = new Map();  // who made it -> commands of the switch
  }

  async open() {
    mkdirSync(ROOM, { recursive: true });
    const spaces = Array.from({ length: this.clientPort }, (_, i) => this.namespace(i + 1));
    for (const space of spaces) run('ip', 'netns', 'add', space);
    await this.startSwitch([...spaces.map((space) => `/run/netns/${space}`), '-']);
    spaces.forEach((space, i) => configure(['-n', space], i + 1));
    configure([], this.observerPort);
    this.nodesFile = join(ROOM, 'nodes');
    writeFileSync(this.nodesFile, Array.from({ length: this.size }, (_, i) => (
      `${addressOf(i + 1)}:${PEERING_PORT}:${API_PORT}`)).join(','));
    for (let number = 1; number <= this.size; ++number) {
      const machine = new Machine(this, number, ROOM, DISK_BYTES);
      this.machines.push(machine);
      machine.install();
      machine.start();
    }
  }

  namespace(port) {
    return port === this.clientPort ? 'client' : `node${port}`;
  }

  startSwitch(spaces) {
    this.switch = spawn(join(this.build, 'bin/chaos_switch'), [String(this.seed), ...spaces], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.switchEnded = new Promise((resolve) => this.switch.once('exit', resolve));
    return new Promise((resolve, reject) => {
      this.switch.stdout.once('data', resolve);
      this.switch.once('exit', () => reject(new Error('the switch did not start')));
    });
  }

  /// Adds or (without commands) removes what one fault does to the network.
  setLinks(fault, commands) {
    if (commands) this.linkFaults.set(fault, commands);
    else this.linkFaults.delete(fault);
    this.switch.stdin.write(['heal', ...[...this.linkFaults.values()].flat()].map((line) => `${line}\n`).join(''));
  }

  /// Starts a program of ours in the clients' namespace.
  startClient(script, config) {
    return spawn('nsenter', [`--net=/run/netns/${this.namespace(this.clientPort)}`, process.execPath, script,
      JSON.stringify(config)], { stdio: ['pipe', 'inherit', 'inherit'] });
  }

  /// The numbers of the machines that say they are the leader.
  async leaders() {
    const states = await Promise.all(this.machines.map((machine) => stateOf(machine.address)));
    return states.flatMap((state, i) => (state === 1 ? [i + 1] : []));
  }

  /// The one leader, if it can be seen; else undefined.
  async leader() {
    const [first, ...more] = await this.leaders();
    return more.length === 0 ? first : undefined;
  }

  /// Waits until every machine is healthy and one leads. False: time is over.
  async whole(timeoutMs) {
    return Boolean(await until(async () => {
      const healthy = await Promise.all(this.machines.map((machine) => isHealthy(machine.address)));
      return healthy.every(Boolean) && (await this.leaders()).length === 1;
    }, timeoutMs, 100));
  }

  async close() {
    for (const machine of this.machines) await machine.remove();
    this.switch?.stdin.end();
    await this.switchEnded;  // Its device must be gone before another run makes one.
    for (let port = 1; port <= this.clientPort; ++port) run('ip', 'netns', 'del', this.namespace(port));
    rmSync(ROOM, { recursive: true, force: true });
  }
}

function configure(where, port) {
  run('ip', ...where, 'link', 'set', 'lo', 'up');
  run('ip', ...where, 'address', 'add', `${addressOf(port)}/24`, 'dev', 'chaos0');
  run('ip', ...where, 'link', 'set', 'chaos0', 'up');
}
