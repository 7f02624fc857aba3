// The clients: workers with the npm client that read and write through any node, one request a try,
// and record what they asked and were answered, one JSON line an operation (see judge.mjs).
//     node load.mjs CONFIG
// CONFIG is JSON: { addresses, port, key, seed, workers, collection, file }. Ends when standard
// input ends, and after what is under way is answered.

import { createWriteStream } from 'node:fs';
import { createRequire } from 'node:module';
import { now, sleep } from './api.mjs';
import { Random } from './random.mjs';

const { Client } = createRequire(new URL('../e2e/package.json', import.meta.url))('typesense');

const TIMEOUT_SECONDS = 3;
const HOT_DOCUMENTS = 10;
const HOT_OPERATIONS_MAX = 60;  // Then the document rests: its history stays short enough to judge.
const REMEMBERED = 2000;
const IMPORT_LINES = 5;
const PAUSE_MS = 12;

const config = JSON.parse(process.argv[2]);
const file = createWriteStream(config.file);
const clients = config.addresses.map((host) => new Client({
  nodes: [{ host, port: config.port, protocol: 'http' }],
  apiKey: config.key, numRetries: 0, connectionTimeoutSeconds: TIMEOUT_SECONDS, logLevel: 'silent',
}));

let stopping = false;
let lastValue = 0;
let lastDocument = 0;
const hot = [];      // { id, left }
const written = [];  // ids of documents that are written once

const textOf = (v) => `value number${v} of ${v % 7}`;
const documentOf = (id, v) => ({ id, v, text: textOf(v) });
const isWhole = (document) => Number.isInteger(document.v) && document.text === textOf(document.v);

function hotId(random) {
  const slot = random.below(HOT_DOCUMENTS);
  if (!hot[slot]?.left) hot[slot] = { id: `hot${++lastDocument}`, left: HOT_OPERATIONS_MAX };
  --hot[slot].left;
  return hot[slot].id;
}

function freshId() {
  const id = `doc${++lastDocument}`;
  if (written.push(id) > REMEMBERED) written.shift();
  return id;
}

/// What an error of the client says about the operation.
function fate(error, kind) {
  const code = error.httpStatus ?? error.code ?? error.message;
  if (code === 409 && kind === 'create') return { out: 'exists', code };
  // The collection is there all the time: a read that is told otherwise is told that there is nothing.
  if (code === 404 && (kind === 'get' || (kind !== 'create' && /document/i.test(error.message)))) return { out: 'absent', code };
  const refused = code === 'ECONNREFUSED' || (Number.isInteger(code) && code >= 400 && code < 500 && code !== 408);
  return { out: refused ? 'refused' : 'unknown', code };
}

function seenIn(document) {
  return { out: 'ok', seen: document.v ?? -1, ...(isWhole(document) ? {} : { mangled: document }) };
}

const ask = {
  create: (documents, id, v) => documents.documents().create(documentOf(id, v)).then(() => ({ out: 'ok' })),
  upsert: (documents, id, v) => documents.documents().upsert(documentOf(id, v)).then(() => ({ out: 'ok' })),
  update: (documents, id, v) => documents.documents(id).update({ v, text: textOf(v) }).then(() => ({ out: 'ok' })),
  delete: (documents, id) => documents.documents(id).delete().then(seenIn),
  get: (documents, id) => documents.documents(id).retrieve().then(seenIn),
};

const record = (op) => file.write(`${JSON.stringify(op)}\n`);

async function operation(node, kind, id) {
  const v = ['create', 'upsert', 'update'].includes(kind) ? ++lastValue : undefined;
  const t0 = now();
  const result = await ask[kind](clients[node].collections(config.collection), id, v)
    .catch((error) => fate(error, kind));
  record({ id, kind, v, node: node + 1, t0, t1: now(), ...result });
  return result;
}

async function importLines(node) {
  const lines = Array.from({ length: IMPORT_LINES }, () => ({ id: freshId(), v: ++lastValue }));
  const t0 = now();
  const body = lines.map(({ id, v }) => JSON.stringify(documentOf(id, v))).join('\n');
  const answer = await clients[node].collections(config.collection).documents().import(body, { action: 'create' })
    .then((text) => text.split('\n').map((line) => JSON.parse(line)), (error) => fate(error, 'import'));
  const t1 = now();
  lines.forEach(({ id, v }, i) => {
    const line = answer.out ? answer : answer[i];
    const result = line?.success ? { out: 'ok' }
      : line?.success === false ? fate({ httpStatus: line.code, message: line.error }, 'create')
      : line ?? { out: 'unknown', code: 'no line' };
    record({ id, kind: 'create', v, node: node + 1, t0, t1, ...result });
  });
  return answer.out ? answer : { out: 'ok' };
}

async function search(node, random) {
  const t0 = now();
  const result = await clients[node].collections(config.collection).documents()
    .search({ q: `value ${random.below(7)}`, query_by: 'text', per_page: 10 })
    .then(({ hits }) => {
      const mangled = hits.find(({ document }) => !isWhole(document))?.document;
      return { out: 'ok', hits: hits.map(({ document }) => [document.id, document.v]), ...(mangled ? { mangled } : {}) };
    }, (error) => fate(error, 'search'));
  record({ kind: 'search', node: node + 1, t0, t1: now(), ...result });
  return result;
}

function next(node, random) {
  const dice = random.next();
  if (dice < 0.20) return operation(node, 'create', freshId());
  if (dice < 0.35) return operation(node, 'get', written.length === 0 ? 'doc1' : random.pick(written));
  if (dice < 0.43) return search(node, random);
  if (dice < 0.48) return importLines(node);
  const kind = random.pick(['create', 'upsert', 'upsert', 'update', 'update', 'update', 'delete', 'get', 'get', 'get']);
  return operation(node, kind, hotId(random));
}

async function worker(number) {
  const random = new Random(config.seed, `worker${number}`);
  let node = number % clients.length;
  while (!stopping) {
    const { out } = await next(node, random);
    // The next node's turn; after a failure too, as a client with a list of nodes does it.
    node = (node + 1) % clients.length;
    await sleep(out === 'unknown' || out === 'refused' ? 20 : random.below(PAUSE_MS));
  }
}

process.stdin.resume();
process.stdin.once('end', () => { stopping = true; });
await Promise.all(Array.from({ length: config.workers }, (_, i) => worker(i)));
await new Promise((resolve) => { file.end(resolve); });
process.exit(0);
