// Clusters of real servers on this machine's loopback, for tests: each node a process with a data
// directory, a nodes file and free ports of its own. What they say is kept, for tests to look at.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const KEY = 'cluster-test-key';
export const BOOKS = { name: 'books', fields: [{ name: 'title', type: 'string' }, { name: 'year', type: 'int32' }] };
export const book = (id) => ({ id: String(id), title: `title number${id}`, year: Number(id) });

const HOST = '127.0.0.1';
const binary = process.env.KUMO_SERVER;
if (!binary) throw new Error('KUMO_SERVER must name the kumosearch-server to test');

// The client is installed where the end-to-end tests are.
const Typesense = createRequire(new URL('../e2e/package.json', import.meta.url))('typesense');

/// Waits until `test` resolves to something true, and resolves with it.
export async function until(what, test, withinMs = 60000) {
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
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

// Below the ports that the system gives to connections, so that a node that is down finds its own again.
const [FIRST_PORT, LAST_PORT] = [12000, 32000];
const given = new Set();

export async function freePort() {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const free = !given.has(port) && await new Promise((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, HOST, () => probe.close(() => resolve(true)));
    });
    if (free) {
      given.add(port);
      return port;
    }
  }
}

export class Node {
  constructor(directory, name, { peeringPort, apiPort, settings = [], key = KEY }) {
    Object.assign(this, { name, peeringPort, apiPort, settings, key });
    this.dataDir = join(directory, name);
    this.nodesFile = join(directory, `${name}.nodes`);
    this.output = '';
    this.exited = Promise.resolve(undefined);
    mkdirSync(this.dataDir, { recursive: true });
  }

  /// As a nodes file names it.
  get entry() {
    return `${HOST}:${this.peeringPort}:${this.apiPort}`;
  }

  /// Replaces the nodes file, in one step, as an operator's tool does.
  list(...entries) {
    const text = entries.map((each) => each.entry ?? each).join(',');
    writeFileSync(`${this.nodesFile}.new`, text);
    renameSync(`${this.nodesFile}.new`, this.nodesFile);
  }

  start() {
    const { launcher = [] } = this;
    const [command, ...args] = [...launcher, binary,
      '--data-dir', this.dataDir, '--node-name', this.name, '--nodes', this.nodesFile,
      '--peering-address', HOST, '--peering-port', String(this.peeringPort),
      '--api-address', HOST, '--api-port', String(this.apiPort), ...this.settings];
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, KUMOSEARCH_API_KEY: this.key },
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes) => { this.output += bytes; });
    }
    // 'close', not 'exit': what it said last is there then.
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.child = undefined;
        resolve({ code, signal });
      });
    });
    return this;
  }

  /// Sends the signal and resolves with { code, signal } when the process is gone.
  async end(signal = 'SIGTERM') {
    this.child?.kill(signal);
    return this.exited;
  }

  /// What it has said since `mark`, a length of its output.
  said(pattern, mark = 0) {
    return pattern.test(this.output.slice(mark));
  }

  request(method, path, body, { key = this.key, timeoutMs = 5000 } = {}) {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const asked = http.request({
        host: HOST, port: this.apiPort, method, path, agent: false,
        headers: { 'X-TYPESENSE-API-KEY': key, ...(text ? { 'Content-Length': Buffer.byteLength(text) } : {}) },
      }, (response) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => { answer += chunk; });
        response.on('end', () => { clearTimeout(timer); resolve({ status: response.statusCode, text: answer }); });
        response.on('aborted', () => reject(new Error('cut off')));
      });
      const timer = setTimeout(() => asked.destroy(new Error('timeout')), timeoutMs);
      asked.on('error', (error) => { clearTimeout(timer); reject(error); });
      asked.end(text);
    });
  }

  async json(path) {
    const { status, text } = await this.request('GET', path);
    if (status !== 200) throw new Error(`${this.name} answered ${status} to ${path}: ${text}`);
    return JSON.parse(text);
  }

  healthy() {
    return this.request('GET', '/health').then(({ status }) => status === 200, () => false);
  }

  async leads() {
    return (await this.json('/debug')).state === 1;
  }

  /// The ids of a collection's documents, sorted.
  async ids(collection = 'books') {
    const { status, text } = await this.request('GET', `/collections/${collection}/documents/export`, undefined, { timeoutMs: 20000 });
    if (status !== 200) throw new Error(`${this.name} answered ${status} to an export: ${text}`);
    return text.split('\n').filter(Boolean).map((line) => JSON.parse(line).id).sort();
  }

  /// Imports documents, each a line of JSON. Resolves with the status and the lines of the answer.
  async import(collection, lines, parameters = 'action=upsert') {
    const answer = await fetch(`http://${HOST}:${this.apiPort}/collections/${collection}/documents/import?${parameters}`, {
      method: 'POST', headers: { 'X-TYPESENSE-API-KEY': this.key }, body: lines.join('\n'),
    });
    return { status: answer.status, body: await answer.text() };
  }

  /// Writes books with these ids; each must be taken.
  async write(ids) {
    for (const id of ids) {
      const { status, text } = await this.request('POST', '/collections/books/documents?action=upsert', book(id), { timeoutMs: 20000 });
      if (status >= 300) throw new Error(`${this.name} answered ${status} to a write: ${text}`);
    }
  }
}

export class Cluster {
  static async make(size, options = {}) {
    const cluster = new Cluster();
    // In order: the first of the list founds the cluster, so that is always node1.
    const ports = [];
    while (ports.length < size) ports.push(await freePort());
    for (const peeringPort of ports.sort()) await cluster.add({ ...options, peeringPort });
    cluster.nodes.forEach((node) => node.list(...cluster.nodes));
    return cluster;
  }

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'kumo-cluster-'));
    this.nodes = [];
  }

  /// One more node, not started.
  async add(options = {}) {
    const ports = { peeringPort: await freePort(), apiPort: await freePort() };
    const node = new Node(this.directory, `node${this.nodes.length + 1}`, { ...ports, ...options });
    this.nodes.push(node);
    return node;
  }

  async start() {
    this.nodes.forEach((node) => node.start());
    await this.whole();
    return this;
  }

  /// Waits until these nodes are well, one of them leads, and each knows the others as up.
  async whole(nodes = this.nodes, withinMs = 60000) {
    await until(`${nodes.map(({ name }) => name)} are a cluster`, async () => {
      const healthy = await Promise.all(nodes.map((node) => node.healthy()));
      if (!healthy.every(Boolean)) return false;
      const views = await Promise.all(nodes.map((node) => node.json('/operations/cluster')));
      return views.every(({ members }) => members.filter(({ up }) => up).length === nodes.length)
        && (await this.leaders(nodes)).length === 1;
    }, withinMs);
  }

  async leaders(nodes = this.nodes) {
    const leads = await Promise.all(nodes.map((node) => node.leads().catch(() => false)));
    return nodes.filter((node, i) => leads[i]);
  }

  leader(nodes = this.nodes) {
    return until('one node leads', async () => {
      const leaders = await this.leaders(nodes);
      return leaders.length === 1 && leaders[0];
    });
  }

  async makeBooks() {
    const { status, text } = await this.nodes[0].request('POST', '/collections', BOOKS, { timeoutMs: 20000 });
    if (status !== 201) throw new Error(`making a collection was answered ${status}: ${text}`);
  }

  /// Waits until each of these nodes holds exactly these documents.
  async hold(ids, nodes = this.nodes) {
    const expected = JSON.stringify([...ids].map(String).sort());
    await until(`${nodes.map(({ name }) => name)} hold the same ${ids.length} documents`, async () => {
      const held = await Promise.all(nodes.map((node) => node.ids()));
      return held.every((each) => JSON.stringify(each) === expected);
    });
  }

  client(options = {}) {
    return new Typesense.Client({
      nodes: this.nodes.map(({ apiPort }) => ({ host: HOST, port: apiPort, protocol: 'http' })),
      apiKey: KEY, logLevel: 'silent', ...options,
    });
  }

  logs() {
    return this.nodes.map(({ name, output }) => `---- ${name}\n${output.split('\n').slice(-60).join('\n')}`).join('\n');
  }

  async close() {
    await Promise.all(this.nodes.map((node) => node.end('SIGKILL')));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/// Runs `body` with a cluster, shows what the nodes said if it fails, and leaves nothing behind.
export function withCluster(size, options, body) {
  return async () => {
    const cluster = await Cluster.make(size, options);
    const kill = () => cluster.nodes.forEach((node) => node.child?.kill('SIGKILL'));
    process.once('exit', kill);
    try {
      await body(cluster);
    } catch (error) {
      console.error(cluster.logs());
      throw error;
    } finally {
      await cluster.close();
      process.removeListener('exit', kill);
    }
  };
}

export const readText = (path) => readFileSync(path, 'utf8');
