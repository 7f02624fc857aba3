// One machine of the laboratory: a server process in its network namespace, on a disk of its own,
// with a control block through which its disk and clock are made to fail (native/faults.cc).

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { API_PORT, KEY, PEERING_PORT, now } from './api.mjs';
import { addressOf, run } from './system.mjs';

const CONTROL = ['failingSyncs', 'syncDelayUs', 'failingWrites', 'clockJumpNs'];
const LAST_BYTES = 16 * 1024 * 1024;  // Of a full disk: written, as the file system's own needs are not known.

export class Machine {
  constructor(lab, number, room, diskBytes) {
    this.lab = lab;
    this.number = number;
    this.address = addressOf(number);
    this.image = join(room, `disk${number}`);
    this.mount = join(room, `node${number}`);
    this.control = join(room, `control${number}`);
    this.log = join(lab.out, `node${number}.log`);
    this.diskBytes = diskBytes;
    this.ends = [];  // How processes ended that nobody had told to.
    this.child = undefined;
    this.expectedEnd = false;
  }

  install() {
    writeFileSync(this.image, '');
    truncateSync(this.image, this.diskBytes);
    run('mkfs.ext4', '-q', '-m', '0', this.image);
    mkdirSync(this.mount);
    this.attach();
    mkdirSync(join(this.mount, 'data'));
    run('sync', '-f', this.mount);
    writeFileSync(this.control, Buffer.alloc(8 * CONTROL.length));
  }

  attach() {
    run('mount', '-o', 'loop', this.image, this.mount);
  }

  /// Sets one number of the control block; the process sees it at once.
  set(name, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(value)));
    const file = openSync(this.control, 'r+');
    writeSync(file, bytes, 0, 8, 8 * CONTROL.indexOf(name));
    closeSync(file);
  }

  get runs() {
    return this.child !== undefined;
  }

  start() {
    if (this.runs) return;
    const log = openSync(this.log, 'a');
    writeSync(log, `--- started at ${now().toFixed(0)} ms\n`);
    const child = spawn('nsenter', [
      `--net=/run/netns/${this.lab.namespace(this.number)}`, 'env',
      `LD_PRELOAD=${join(this.lab.build, 'lib/libchaos_faults.so')}`, `CHAOS_CONTROL=${this.control}`,
      join(this.lab.build, 'bin/kumosearch-server'), '--data-dir', join(this.mount, 'data'),
      '--api-key', KEY, '--nodes', this.lab.nodesFile,
      '--peering-address', this.address, '--peering-port', String(PEERING_PORT),
      '--api-address', this.address, '--api-port', String(API_PORT),
      ...this.lab.settings,
    ], { stdio: ['ignore', log, log] });
    closeSync(log);
    this.child = child;
    this.expectedEnd = false;
    this.exited = new Promise((resolve) => child.once('exit', (code, signal) => {
      this.child = undefined;
      if (!this.expectedEnd) this.ends.push(`node ${this.number} ended by itself: ${signal ?? `exit code ${code}`}`);
      resolve({ code, signal });
    }));
  }

  signal(name) {
    this.child?.kill(name);
  }

  /// The process that serves, which a supervisor has started; the only one if there is none.
  get servingPid() {
    const pid = this.child?.pid;
    const children = pid && readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return children ? Number(children.split(' ')[0]) : pid;
  }

  signalServing(name) {
    if (this.runs) process.kill(this.servingPid, name);
  }

  /// Ends the process and waits for it; resolves with { code, signal }.
  async end(signal = 'SIGKILL') {
    if (!this.runs) return undefined;
    this.expectedEnd = true;
    this.signal(signal);
    return this.exited;
  }

  /// What was not synced is gone; the machine stands still until `restorePower`.
  async cutPower() {
    this.signal('SIGSTOP');  // Nobody must see the disk's errors: with the power, the process is gone too.
    run(join(this.lab.build, 'bin/chaos_power_cut'), this.mount);
    await this.end();
    run('umount', this.mount);
  }

  restorePower() {
    this.attach();
    this.start();
  }

  fillDisk() {
    const { bavail, bsize } = statfsSync(this.mount);
    const most = bavail * bsize - LAST_BYTES;
    if (most > 0) run('fallocate', '-l', String(most), this.filler);
    const file = openSync(this.filler, 'a');
    try {
      for (const piece = Buffer.alloc(4096); ;) writeSync(file, piece);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  get filler() {
    return join(this.mount, 'filler');
  }

  emptyDisk() {
    rmSync(this.filler, { force: true });
  }

  async remove() {
    this.signalServing('SIGKILL');
    await this.end();
    run('umount', '-l', this.mount);  // A supervisor's child may need a moment to be gone.
    rmSync(this.image);
  }
}
