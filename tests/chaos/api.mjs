// The few requests that the harness itself makes of a server, with nothing but node's http module.

import http from 'node:http';

export const KEY = 'chaos-key';
export const API_PORT = 8108;
export const PEERING_PORT = 8107;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// Milliseconds on the clock that all processes of this machine share.
export const now = () => Number(process.hrtime.bigint() / 1000n) / 1000;

/// One request on a connection of its own; resolves with { status, text }.
export function request(address, method, path, { body, timeoutMs = 2000 } = {}) {
  return new Promise((resolve, reject) => {
    const asked = http.request({
      host: address, port: API_PORT, method, path, agent: false,
      headers: { 'X-TYPESENSE-API-KEY': KEY, ...(body ? { 'Content-Length': Buffer.byteLength(body) } : {}) },
    }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => { text += chunk; });
      response.on('end', () => { clearTimeout(timer); resolve({ status: response.statusCode, text }); });
      response.on('aborted', () => reject(new Error('cut off')));
    });
    const timer = setTimeout(() => asked.destroy(new Error('timeout')), timeoutMs);
    asked.on('error', (error) => { clearTimeout(timer); reject(error); });
    asked.end(body);
  });
}

/// Waits until `test` resolves to something true and resolves with it; undefined when time is over.
export async function until(test, timeoutMs, everyMs = 50) {
  for (const end = now() + timeoutMs; ;) {
    const result = await test().catch(() => undefined);
    if (result) return result;
    if (now() > end) return undefined;
    await sleep(everyMs);
  }
}

export const isHealthy = (address, timeoutMs = 1000) => request(address, 'GET', '/health', { timeoutMs })
  .then(({ status }) => status === 200, () => false);

/// What /debug calls `state`: 1 leader, 4 follower; undefined if it does not answer.
export const stateOf = (address, timeoutMs = 1000) => request(address, 'GET', '/debug', { timeoutMs })
  .then(({ text }) => JSON.parse(text).state, () => undefined);
