// Clusters of servers in Redis's form on this machine's loopback, made with the stock redis-cli, and a small
// client that knows of redirections and says when it does not know whether a command was done.

import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Connection, Reply, Unknown, withTimeout } from './resp.mjs';

export { Connection, Reply, Unknown };

const HOST = '127.0.0.1';
const binary = process.env.KUMO_SERVER;
if (!binary) throw new Error('KUMO_SERVER must name the kumosearch-server to test');

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// Waits until `test` resolves to something true, and resolves with it.
export async function until(what, test, withinMs = 30000) {
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
    await sleep(30);
  }
}

const given = new Set();

/// With the bus port behind it free, too.
async function freePort() {
  const isFree = (port) => new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
  for (;;) {
    const port = 12000 + Math.floor(Math.random() * 8000);
    if (!given.has(port) && await isFree(port) && await isFree(port + 10000)) {
      given.add(port);
      return port;
    }
  }
}

/// redis-cli with these arguments; what it wrote, or an error that has it.
export function cli(args, { timeoutMs = 60000, input = '' } = {}) {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, maxBuffer: 1 << 26, env: { ...process.env, REDISCLI_CLUSTER_YES: '1' } };
    const child = execFile('redis-cli', args.map(String), options, (error, stdout, stderr) => {
      if (error) reject(new Error(`redis-cli ${args.join(' ')}: ${error.signal ?? error.code}\n${stdout}${stderr}`));
      else resolve(stdout);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

export class Server {
  constructor(directory, port, options) {
    Object.assign(this, { directory, port, options });
    this.address = `${HOST}:${port}`;
    this.log = join(directory, `${port}.log`);
    mkdirSync(directory, { recursive: true });
  }

  async start() {
    const options = { port: this.port, bind: HOST, 'cluster-enabled': 'yes',
      'cluster-config-file': `nodes-${this.port}.conf`, 'cluster-node-timeout': 2000, dir: this.directory,
      dbfilename: `dump-${this.port}.rdb`, logfile: this.log, ...this.options };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const errors = openSync(`${this.log}.stderr`, 'a');
    this.child = spawn(binary, args, { stdio: ['ignore', errors, errors] });
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(signal ?? code)));
    await until(`${this.address} answers`, async () => (await this.call('PING')) === 'PONG');
  }

  kill(signal = 'SIGKILL') {
    this.child.kill(signal);
    return this.exited;
  }

  /// One command on a connection of its own.
  async call(...command) {
    const connection = new Connection(this.port);
    try {
      return await connection.call(command);
    } finally {
      connection.end();
    }
  }

  async info(field) {
    const text = await this.call('INFO');
    return new RegExp(`^${field}:(.*)$`, 'm').exec(text)?.[1].trim();
  }
}

/// The stock server of the machine, without a cluster.
export class RedisServer {
  static isThere = ['/usr/bin', '/usr/local/bin'].some((each) => existsSync(join(each, 'redis-server')));

  static async start(options = {}) {
    const redis = new RedisServer();
    redis.directory = mkdtempSync(join(tmpdir(), 'redis-'));
    redis.port = await freePort();
    redis.address = `${HOST}:${redis.port}`;
    const all = { port: redis.port, bind: HOST, dir: redis.directory, save: '', ...options };
    redis.child = spawn('redis-server', Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: 'ignore' });
    redis.exited = new Promise((resolve) => redis.child.once('exit', resolve));
    await until('redis-server answers', async () => (await redis.call('PING')) === 'PONG');
    return redis;
  }

  /// Of an RDB file, as that server counts them.
  static async keysIn(file) {
    const redis = await RedisServer.start({ dir: dirname(file), dbfilename: basename(file) });
    const keys = await redis.call('DBSIZE');
    await redis.end();
    return keys;
  }

  call(...command) {
    return Server.prototype.call.apply(this, command);
  }

  async end() {
    this.child.kill('SIGKILL');
    await this.exited;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class Cluster {
  constructor(options = {}) {
    this.directory = mkdtempSync(join(tmpdir(), 'kumo-keys-'));
    this.options = options;
    this.servers = [];
    this.made = [];  // Also those that have left.
  }

  async add() {
    const server = new Server(this.directory, await freePort(), this.options);
    this.made.push(server);
    await server.start();
    this.servers.push(server);
    return server;
  }

  /// With the stock tool, as in the tutorial.
  async create(masters, replicasEach) {
    for (let i = 0; i < masters * (1 + replicasEach); ++i) await this.add();
    const output = await cli(['--cluster', 'create', ...this.servers.map((each) => each.address),
      '--cluster-replicas', replicasEach, '--cluster-yes']);
    if (!output.includes('[OK] All 16384 slots covered')) throw new Error(output);
    await this.settled();
  }

  /// Every node says that all is well, and every replica has everything.
  settled() {
    return until('the cluster is well', async () => {
      const running = this.servers.filter((each) => each.child.exitCode === null && each.child.signalCode === null);
      for (const server of running) {
        if (!(await server.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) return false;
        if (await server.info('role') === 'slave' && await server.info('master_link_status') !== 'up') return false;
      }
      return true;
    });
  }

  byPort(port) {
    return this.servers.find((each) => each.port === port);
  }

  /// [{ id, port, flags, master, slots }] as the first node that answers has it.
  async nodes(from = this.servers.find((each) => each.child.exitCode === null && each.child.signalCode === null)) {
    const text = await from.call('CLUSTER', 'NODES');
    return text.trim().split('\n').map((line) => {
      const words = line.split(' ');
      return { id: words[0], port: Number(/:(\d+)@/.exec(words[1])[1]), flags: words[2].split(','), master: words[3],
        link: words[7], slots: words.slice(8) };
    });
  }

  logs() {
    return this.servers.map((each) => `--- ${each.port}\n${readFileSync(each.log)}`).join('\n');
  }

  async end() {
    for (const server of this.made) if (server.child) await server.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/// Follows redirections. `call` rejects with Unknown if the command may have been done.
export class Client {
  constructor(ports) {
    this.ports = ports;
    this.connections = new Map();
    this.lastPort = ports[0];
  }

  connection(port) {
    let found = this.connections.get(port);
    if (!found || found.closed) {
      found = new Connection(port);
      this.connections.set(port, found);
    }
    return found;
  }

  async call(...command) {
    let port = this.lastPort;
    let asking = false;
    for (let tries = 0; tries < 20; ++tries) {
      const connection = this.connection(port);
      try {
        if (asking) connection.call(['ASKING']).catch(() => {});
        asking = false;
        const answer = await withTimeout(connection.call(command), 4000, connection);
        this.lastPort = port;
        return answer;
      } catch (error) {
        if (!(error instanceof Reply)) {
          this.lastPort = this.ports[Math.floor(Math.random() * this.ports.length)];
          throw error;
        }
        const [kind, , address] = error.message.split(' ');
        if (kind === 'MOVED' || kind === 'ASK') {
          port = Number(address.split(':').pop());
          asking = kind === 'ASK';
          if (tries > 3) await sleep(20);
        } else if (kind === 'CLUSTERDOWN' || kind === 'TRYAGAIN' || kind === 'LOADING') {
          await sleep(30);
          port = this.ports[Math.floor(Math.random() * this.ports.length)];
        } else {
          throw error;
        }
      }
    }
    throw new Reply('too many redirections');
  }

  end() {
    for (const each of this.connections.values()) each.end();
  }
}

let countersMade = 0;

/// Many clients increment counters until stop(); what was acknowledged has to be there in the end.
export class Counters {
  constructor(cluster, { clients = 20, keys = 500 } = {}) {
    this.acknowledged = new Array(keys).fill(0);
    this.unknown = new Array(keys).fill(0);
    this.refused = 0;
    this.done = 0;
    this.longestPauseMs = 0;
    this.running = true;
    this.last = Date.now();
    this.cluster = cluster;
    this.name = `counter${countersMade++}`;
    const ports = cluster.servers.map((each) => each.port);
    this.loops = Array.from({ length: clients }, () => this.loop(new Client(ports), keys));
  }

  async loop(client, keys) {
    while (this.running) {
      const key = Math.floor(Math.random() * keys);
      try {
        await client.call('INCR', `${this.name}:${key}`);
        ++this.acknowledged[key];
        ++this.done;
        this.longestPauseMs = Math.max(this.longestPauseMs, Date.now() - this.last);
        this.last = Date.now();
      } catch (error) {
        if (error instanceof Reply) ++this.refused;
        else ++this.unknown[key];
        await sleep(5);
      }
    }
    client.end();
  }

  async stop() {
    this.running = false;
    await Promise.all(this.loops);
  }

  /// The counters that are lower than what was acknowledged, or higher than what can have been done.
  async wrong() {
    const client = new Client(this.cluster.servers.filter((each) => each.child.exitCode === null
      && each.child.signalCode === null).map((each) => each.port));
    const wrong = [];
    for (let key = 0; key < this.acknowledged.length; ++key) {
      const value = Number(await client.call('GET', `${this.name}:${key}`) ?? 0);
      const least = this.acknowledged[key];
      if (value < least || value > least + this.unknown[key]) {
        wrong.push({ key, value, least, unknown: this.unknown[key] });
      }
    }
    client.end();
    return wrong;
  }
}
