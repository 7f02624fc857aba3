// A disk that fills up: writes are refused with a clear message, reads go on, writes resume when
// there is space again, and nothing acknowledged is lost. Needs root (a small tmpfs); exits 77
// where it cannot mount one.
//     node disk_full.mjs SERVER_BINARY

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, freePort } from './server.mjs';

const [binary] = process.argv.slice(2);
const mount = mkdtempSync(join(tmpdir(), 'kumo-full-'));
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', mount], { stdio: 'ignore' });
} catch {
  console.log('cannot mount a tmpfs here: skipped');
  rmSync(mount, { recursive: true, force: true });
  process.exit(77);
}
const dataDir = join(mount, 'data');
const filler = join(mount, 'filler');
mkdirSync(dataDir);
const server = new Server(binary, dataDir, await freePort());
const acknowledged = new Set();

const write = async (id) => {
  const answer = await server.json('POST', '/collections/notes/documents', { id, text: `note ${id}` });
  if (answer.status === 201) acknowledged.add(id);
  return answer;
};

function fillUp() {
  const { bavail, bsize } = statfsSync(mount);
  try {
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
  } catch (error) {
    // The server may have written something in between: full is full.
    assert.equal(error.code, 'ENOSPC');
  }
}

try {
  await server.start();
  const schema = { name: 'notes', fields: [{ name: 'text', type: 'string' }] };
  assert.equal((await server.json('POST', '/collections', schema)).status, 201);
  for (let i = 0; i < 50; ++i) assert.equal((await write(`before-${i}`)).status, 201);

  fillUp();
  let refused = null;
  for (let i = 0; i < 200 && !refused; ++i) {
    const answer = await write(`during-${i}`);
    if (answer.status !== 201) refused = answer;
  }
  assert.ok(refused, 'writes are refused on a full disk');
  assert.ok([422, 503].includes(refused.status), `status ${refused.status}`);
  assert.match(refused.body.message, /OUT_OF_DISK|disk/i);
  const search = await server.json('GET', '/collections/notes/documents/search?q=note&query_by=text');
  assert.equal(search.status, 200, 'reads go on');
  assert.equal(search.body.found, acknowledged.size);

  rmSync(filler);
  let resumed = null;
  for (let i = 0; i < 500 && resumed?.status !== 201; ++i) {
    resumed = await write(`after-${i}`);
    if (resumed.status !== 201) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(resumed.status, 201, 'writes resume');

  await server.kill();
  await server.start();
  const ids = (await server.export('notes')).map((document) => document.id);
  assert.deepEqual(ids.sort(), [...acknowledged].sort(), 'exactly what was acknowledged');
  console.log(`disk full: ${acknowledged.size} acknowledged, all there, nothing else`);
} finally {
  await server.kill();
  execFileSync('umount', ['-l', mount]);
  rmSync(mount, { recursive: true, force: true });
}
