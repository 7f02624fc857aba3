// A write every few milliseconds, each tried at one node after another until one of them has taken
// it: what a client that retries sees of a failover. One JSON line a write, as in load.mjs.
//     node pulse.mjs CONFIG

import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { now, sleep } from './api.mjs';

const EVERY_MS = 5;
const TRY_MS = 300;
const UNDER_WAY_MAX = 400;

const config = JSON.parse(process.argv[2]);
const file = createWriteStream(config.file);
const agent = new http.Agent({ keepAlive: true });
let stopping = false;
let underWay = 0;
let lastValue = 0;
let turn = 0;

/// Resolves to true if the node has taken it.
function attempt(host, body) {
  return new Promise((resolve) => {
    const asked = http.request({
      host, port: config.port, agent, method: 'POST', path: `/collections/${config.collection}/documents?action=upsert`,
      headers: { 'X-TYPESENSE-API-KEY': config.key, 'Content-Length': Buffer.byteLength(body) },
    }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode < 300));
      response.on('close', () => resolve(false));
    });
    const timer = setTimeout(() => asked.destroy(), TRY_MS);
    asked.on('error', () => resolve(false));
    asked.on('close', () => { clearTimeout(timer); resolve(false); });
    asked.end(body);
  });
}

async function write() {
  ++underWay;
  const v = ++lastValue;
  const id = `pulse${v}`;
  const body = JSON.stringify({ id, v, text: `value number${v} of ${v % 7}` });
  const t0 = now();
  let tries = 1;
  while (!await attempt(config.addresses[turn++ % config.addresses.length], body)) {
    ++tries;
    await sleep(10);
  }
  file.write(`${JSON.stringify({ id, kind: 'upsert', v, tries, out: 'ok', t0, t1: now() })}\n`);
  --underWay;
}

process.stdin.resume();
process.stdin.once('end', () => { stopping = true; });
for (let due = now(); !stopping; due += EVERY_MS) {
  await sleep(due - now());
  if (underWay < UNDER_WAY_MAX) write();
}
while (underWay !== 0) await sleep(5);
await new Promise((resolve) => { file.end(resolve); });
process.exit(0);
