// Starts and stops a real kumosearch-server for a test, on a free port, with a data directory of
// its own, and speaks to it with nothing but node's http module.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import http from 'node:http';

export const KEY = 'durability-test-key';

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Server {
  constructor(binary, dataDir, port) {
    this.binary = binary;
    this.dataDir = dataDir;
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true });
    this.output = '';
  }

  /// Starts the process and waits until /health says ok; says why if it ends instead.
  async start() {
    this.child = spawn(this.binary, [
      '--data-dir', this.dataDir, '--api-key', KEY,
      '--api-address', '127.0.0.1', '--api-port', String(this.port),
    ], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve({ code, signal })));
    let gone = null;
    this.exited.then((how) => { gone = how; });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (data) => { this.output = (this.output + data).slice(-20000); });
    }
    for (;;) {
      if (gone) throw new Error(`server ended at start (${JSON.stringify(gone)}):\n${this.output}`);
      const health = await this.request('GET', '/health').catch(() => null);
      if (health?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async kill(signal = 'SIGKILL') {
    this.agent.destroy();
    this.agent = new http.Agent({ keepAlive: true });
    this.child.kill(signal);
    return this.exited;
  }

  /// One request; resolves with {status, text} when the answer is complete.
  request(method, path, body) {
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: '127.0.0.1', port: this.port, method, path, agent: this.agent,
        headers: { 'X-TYPESENSE-API-KEY': KEY, ...(body ? { 'Content-Length': Buffer.byteLength(body) } : {}) },
      }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => { text += chunk; });
        response.on('end', () => resolve({ status: response.statusCode, text }));
        response.on('error', reject);
        response.on('aborted', () => reject(new Error('cut off')));
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  async json(method, path, body) {
    const { status, text } = await this.request(method, path, body && JSON.stringify(body));
    return { status, body: JSON.parse(text) };
  }

  /// Streams lines into an import until `stop()` says so; `onAnswer(index, answer)` is called for
  /// each line that the server has answered. Resolves when the connection ends, however it ends.
  import(path, makeLine, onAnswer, stop) {
    return new Promise((resolve) => {
      let answered = 0;
      let sent = 0;
      let partial = '';
      const request = http.request({
        host: '127.0.0.1', port: this.port, method: 'POST', path, agent: this.agent,
        headers: { 'X-TYPESENSE-API-KEY': KEY },
      }, (response) => {
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          const lines = (partial + chunk).split('\n');
          partial = lines.pop();
          for (const line of lines) onAnswer(answered++, JSON.parse(line));
        });
        response.on('end', () => {
          if (partial) onAnswer(answered++, JSON.parse(partial));
          resolve({ sent, answered, status: response.statusCode });
        });
        response.on('aborted', () => resolve({ sent, answered }));
        response.on('error', () => resolve({ sent, answered }));
      });
      request.on('error', () => resolve({ sent, answered }));
      const pump = () => {
        for (;;) {
          if (stop(sent)) return request.end();
          if (!request.write(`${makeLine(sent++)}\n`)) break;
        }
        return request.once('drain', pump);
      };
      pump();
    });
  }

  /// Every document of a collection, parsed.
  async export(collection) {
    const { status, text } = await this.request('GET', `/collections/${collection}/documents/export`);
    if (status !== 200) throw new Error(`export answered ${status}: ${text}`);
    return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line));
  }
}
