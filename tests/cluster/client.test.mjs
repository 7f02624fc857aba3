// The npm client with three nodes and nothing but its defaults: it writes, searches and exports
// while nodes are killed, restarted and ended, and never shows an error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOKS, book, until, withCluster } from './cluster.mjs';

/// Calls `act` again and again until stopped; remembers what was refused.
class Loop {
  constructor(act) {
    this.rounds = 0;
    this.errors = [];
    this.done = (async () => {
      while (!this.stopping) {
        try {
          await act(this.rounds);
          ++this.rounds;
        } catch (error) {
          this.errors.push(error);
          this.stopping = true;
        }
      }
    })();
  }

  /// Waits for that many more rounds: the fault was lived through.
  async more(count) {
    const goal = this.rounds + count;
    await until(`${count} more rounds`, () => this.rounds >= goal || this.errors.length !== 0);
  }

  async stop() {
    this.stopping = true;
    await this.done;
    assert.deepEqual(this.errors.map((error) => `${error.name} ${error.httpStatus ?? ''} ${error.message}`), []);
    return this.rounds;
  }
}

/// Looks until what is asserted holds. Searches and exports read the copy of the node that is asked, which
/// shows a moment later what another one has acknowledged; any other error than an assertion's counts at once.
async function soon(look, withinMs = 2000) {
  for (const end = Date.now() + withinMs; ;) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof assert.AssertionError) || Date.now() > end) throw error;
    }
  }
}

/// Everything that an application does, at once.
function work(cluster) {
  const written = [];
  const client = cluster.client();
  const writer = new Loop(async (i) => {
    // A client of its own each time: one that does not know yet which node is down.
    await cluster.client().collections('books').documents().upsert(book(i));
    written.push(String(i));
  });
  const importer = new Loop(async (i) => {
    const lines = Array.from({ length: 20 }, (_, j) => ({ ...book(i * 20 + j), id: `import${i}-${j}` }));
    const results = await client.collections('books').documents().import(lines, { action: 'upsert' });
    assert.ok(results.every(({ success }) => success));
    written.push(...lines.map(({ id }) => id));
  });
  const searcher = new Loop(async () => {
    const before = written.length;
    await soon(async () => {
      const { found } = await client.collections('books').documents().search({ q: 'title', query_by: 'title', per_page: 1 });
      assert.ok(found >= before, `a search finds ${found} of at least ${before}`);
    });
  });
  const exporter = new Loop(async () => {
    const before = [...written];
    await soon(async () => {
      const text = await client.collections('books').documents().export();
      const ids = new Set(text.split('\n').filter(Boolean).map((line) => JSON.parse(line).id));
      const missing = before.filter((id) => !ids.has(id));
      assert.deepEqual(missing, [], 'an export lacks what was acknowledged before it began');
    });
  });
  return { loops: [writer, importer, searcher, exporter], written };
}

const ways = {
  'killed': async (node) => assert.equal((await node.end('SIGKILL')).signal, 'SIGKILL'),
  'ended by SIGTERM': async (node) => assert.deepEqual(await node.end('SIGTERM'), { code: 0, signal: null }),
};

const collections = {
  'killed': {},
  'ended by SIGTERM': { num_shards: 3 },
  'killed (most copies are enough)': { replication_mode: 'majority', min_in_sync: 2 },
};

for (const [kind, collection] of Object.entries(collections)) {
  const way = kind.replace(/ \(.*/, '');
  const end = ways[way];
  test(`no client sees an error while each node is ${kind} and started again`, withCluster(3, {}, async (cluster) => {
    await cluster.start();
    await cluster.client().collections().create({ ...BOOKS, ...collection });
    const { loops, written } = work(cluster);
    const more = (count) => Promise.all(loops.map((loop) => loop.more(count)));
    try {
      await more(3);
      const first = await cluster.leader();
      const others = cluster.nodes.filter((node) => node !== first);
      for (const node of [first, ...others]) {
        await end(node);
        await more(3);
        node.start();
        await cluster.whole();
        await more(3);
      }
    } finally {
      const rounds = await Promise.all(loops.map((loop) => loop.stop()));
      console.log(`${kind}: ${rounds[0]} writes, ${rounds[1]} imports, ${rounds[2]} searches, ${rounds[3]} exports`);
    }
    await cluster.hold(written);
  }));
}
