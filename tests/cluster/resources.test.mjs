// What one node was told is true at the next one that is asked, at once: clients go from node to node.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOKS, book, withCluster } from './cluster.mjs';

const ROUNDS = 20;

test('aliases, presets, stopwords and synonyms are known everywhere', withCluster(3, {}, async (cluster) => {
  await cluster.start();
  await cluster.client().collections().create(BOOKS);
  await cluster.nodes[0].write(['7']);
  await cluster.hold(['7']);
  const node = (i) => cluster.nodes[i % cluster.nodes.length];
  const put = async (i, path, body) => {
    const { status, text } = await node(i).request('PUT', path, body);
    assert.equal(status, 200, text);
  };
  const found = async (i, collection, parameters) => {
    const query = new URLSearchParams({ query_by: 'title', num_typos: 0, drop_tokens_threshold: 0, ...parameters });
    const { status, text } = await node(i).request('GET', `/collections/${collection}/documents/search?${query}`);
    assert.equal(status, 200, text);
    return JSON.parse(text).found;
  };
  for (let i = 0; i < ROUNDS; ++i) {
    await put(i, `/aliases/alias${i}`, { collection_name: 'books' });
    assert.equal(await found(i + 1, `alias${i}`, { q: book(7).title }), 1);
    await put(i, `/presets/preset${i}`, { value: { filter_by: 'year:0' } });
    assert.equal(await found(i + 2, 'books', { q: '*', preset: `preset${i}` }), 0);
    await put(i, `/stopwords/stop${i}`, { stopwords: ['noise'] });
    assert.equal(await found(i + 1, 'books', { q: 'noise title', stopwords: `stop${i}` }), 1);
    await put(i, `/synonym_sets/set${i}`, { items: [{ id: 'a', root: 'heading', synonyms: ['title'] }] });
    assert.equal(await found(i + 2, 'books', { q: 'heading', synonym_sets: `set${i}` }), 1);
    assert.equal((await node(i + 1).request('GET', `/synonym_sets/set${i}/items/a`)).status, 200);
  }
  // A node that was away learns what was put, and what was deleted, meanwhile.
  const away = node(2);
  await away.end('SIGKILL');
  await put(0, '/aliases/late', { collection_name: 'books' });
  assert.equal((await node(1).request('DELETE', '/aliases/alias0')).status, 200);
  away.start();
  await cluster.whole();
  assert.equal(await found(2, 'late', { q: '*' }), 1);
  assert.equal((await away.request('GET', '/aliases/alias0')).status, 404);
}));
