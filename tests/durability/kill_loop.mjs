// kill -9 in a loop under import: every acknowledged line is there after the restart, no line
// twice, and the server is never healthy with a part of the data.
//     node kill_loop.mjs SERVER_BINARY [ROUNDS]

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, freePort } from './server.mjs';

const [binary, rounds = '6'] = process.argv.slice(2);
const dataDir = mkdtempSync(join(tmpdir(), 'kumo-kill-'));
const server = new Server(binary, dataDir, await freePort());
const acknowledged = new Map();  // id -> the round it was last written in
const attempted = new Map();     // id -> rounds it may have been written in

function line(round, i) {
  // Some ids are new in each round, others are written again.
  const id = i % 3 === 0 ? `again-${i % 900}` : `r${round}-${i}`;
  return JSON.stringify({ id, title: `title of ${id} word${i % 50}`, round, points: i });
}

async function check(round) {
  const documents = await server.export('books');
  const seen = new Map();
  for (const document of documents) {
    assert.ok(!seen.has(document.id), `round ${round}: ${document.id} is there twice`);
    seen.set(document.id, document.round);
  }
  for (const [id, written] of acknowledged) {
    assert.ok(seen.has(id), `round ${round}: acknowledged ${id} is lost`);
    assert.ok(seen.get(id) >= written, `round ${round}: ${id} went back to round ${seen.get(id)}`);
  }
  for (const id of seen.keys()) assert.ok(attempted.has(id), `round ${round}: nobody wrote ${id}`);
  const found = await server.json('GET', '/collections/books/documents/search?q=*&per_page=0');
  assert.equal(found.body.found, documents.length);
  return documents.length;
}

try {
  await server.start();
  const created = await server.json('POST', '/collections', {
    name: 'books',
    fields: [
      { name: 'title', type: 'string' }, { name: 'round', type: 'int32' }, { name: 'points', type: 'int32' },
    ],
  });
  assert.equal(created.status, 201);
  for (let round = 1; round <= Number(rounds); ++round) {
    const ids = [];
    const killAfter = 500 + round * 700;
    const importing = server.import(
      '/collections/books/documents/import?action=upsert',
      (i) => {
        const text = line(round, i);
        ids[i] = JSON.parse(text).id;
        attempted.set(ids[i], round);
        return text;
      },
      (i, answer) => {
        assert.equal(answer.success, true, JSON.stringify(answer));
        acknowledged.set(ids[i], round);
        if (i === killAfter) server.child.kill('SIGKILL');
      },
      (sent) => sent >= 20000,
    );
    await importing;
    await server.kill();
    await server.start();
    const count = await check(round);
    console.log(`round ${round}: ${acknowledged.size} acknowledged, ${count} there`);
  }
  assert.deepEqual(await server.kill('SIGTERM'), { code: 0, signal: null }, 'a graceful end');
  await server.start();
  await check('after a graceful end');
  console.log('kill loop: nothing lost, nothing twice');
} finally {
  await server.kill();
  rmSync(dataDir, { recursive: true, force: true });
}
