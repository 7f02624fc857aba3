// Histories written by hand, each with the verdict that it must get.

import assert from 'node:assert/strict';
import test from 'node:test';
import { judge, longestPause } from './judge.mjs';
import { Random } from './random.mjs';
import { linearizable } from './register.mjs';

const op = (kind, t0, t1, out, fields = {}) => ({ id: 'd', kind, t0, t1, out, ...fields });
const finals = (...maps) => maps.map((documents, i) => (
  { node: i + 1, t0: 1000, t1: 1001, documents: new Map(Object.entries(documents)) }));
const kinds = (history, ends) => judge(history, ends).map((violation) => violation.kind);

test('a document that was created, read and deleted in order is fine', () => {
  assert.equal(linearizable([
    op('create', 0, 1, 'ok', { v: 1 }), op('get', 2, 3, 'ok', { seen: 1 }),
    op('update', 4, 5, 'ok', { v: 2 }), op('create', 6, 7, 'exists', { v: 3 }),
    op('delete', 8, 9, 'ok', { seen: 2 }), op('get', 10, 11, 'absent'), op('delete', 12, 13, 'absent'),
  ]), 'yes');
});

test('reads of concurrent writes may see either, in one order for all', () => {
  const writes = [op('upsert', 0, 10, 'ok', { v: 1 }), op('upsert', 0, 10, 'ok', { v: 2 })];
  const reads = (a, b) => [op('get', 11, 12, 'ok', { seen: a }), op('get', 13, 14, 'ok', { seen: b })];
  assert.equal(linearizable([...writes, ...reads(1, 1)]), 'yes');
  assert.equal(linearizable([...writes, ...reads(2, 2)]), 'yes');
  assert.equal(linearizable([...writes, ...reads(1, 2)]), 'no');
});

test('a read that goes back is not fine, even between two unfinished writes', () => {
  assert.equal(linearizable([
    op('upsert', 0, 1, 'ok', { v: 1 }), op('upsert', 2, 20, 'ok', { v: 2 }),
    op('get', 3, 4, 'ok', { seen: 2 }), op('get', 5, 6, 'ok', { seen: 1 }),
  ]), 'no');
});

test('an unknown write may show late, but not vanish once it was seen', () => {
  const start = [op('create', 0, 1, 'ok', { v: 1 }), op('update', 2, 3, 'unknown', { v: 2 })];
  const read = (t, seen) => op('get', t, t + 1, 'ok', { seen });
  assert.equal(linearizable([...start, read(10, 1), read(20, 2)]), 'yes');
  assert.equal(linearizable([...start, read(10, 2), read(20, 1)]), 'no');
});

test('an unknown delete explains an absent document, an acknowledged update after it does not', () => {
  const start = [op('create', 0, 1, 'ok', { v: 1 }), op('delete', 2, 3, 'unknown')];
  assert.equal(linearizable([...start, op('get', 5, 6, 'absent')]), 'yes');
  assert.equal(linearizable([...start, op('get', 5, 6, 'absent'), op('update', 7, 8, 'ok', { v: 2 })]), 'no');
});

test('an unknown create that met a document changes nothing', () => {
  assert.equal(linearizable([
    op('create', 0, 1, 'ok', { v: 1 }), op('create', 2, 3, 'unknown', { v: 2 }),
    op('get', 4, 5, 'ok', { seen: 1 }),
  ]), 'yes');
});

test('the same write taken twice is noticed', () => {
  assert.equal(linearizable([
    op('upsert', 0, 1, 'ok', { v: 1 }), op('upsert', 2, 3, 'ok', { v: 2 }),
    op('get', 4, 5, 'ok', { seen: 2 }), op('get', 6, 7, 'ok', { seen: 1 }),
  ]), 'no');
});

test('twenty unknown writes are decided at once', () => {
  const history = [op('create', 0, 1, 'ok', { v: 100 })];
  for (let i = 0; i < 20; ++i) history.push(op('upsert', 2 + i, 3 + i, 'unknown', { v: i }));
  for (let i = 0; i < 20; i += 2) history.push(op('get', 50 + i, 51 + i, 'ok', { seen: i }));
  assert.equal(linearizable(history), 'yes');
  assert.equal(linearizable([...history, op('get', 90, 91, 'ok', { seen: 100 })]), 'no');
});

test('an acknowledged write that is gone at the end is lost', () => {
  const history = [op('create', 0, 1, 'ok', { v: 1 }), op('get', 2, 3, 'ok', { seen: 1 })];
  assert.deepEqual(kinds(history, finals({ d: 1 })), []);
  assert.deepEqual(kinds(history, finals({})), ['lost']);
});

test('what nobody wrote is invented, what was refused must not show', () => {
  const history = [op('create', 0, 1, 'refused', { v: 1, code: 422 })];
  assert.deepEqual(kinds(history, finals({})), []);
  assert.deepEqual(kinds(history, finals({ d: 1 })), ['refused']);
  assert.deepEqual(kinds(history, finals({ d: 7 })), ['invented']);
  assert.deepEqual(kinds(history, finals({ e: 1 })), ['invented']);
  assert.deepEqual(kinds([{ kind: 'search', out: 'ok', t0: 0, t1: 1, hits: [['d', 5]] }], finals({})), ['invented']);
});

test('nodes that hold different things differ', () => {
  const history = [op('upsert', 0, 1, 'unknown', { v: 1 })];
  assert.deepEqual(kinds(history, finals({ d: 1 }, { d: 1 })), []);
  assert.ok(kinds(history, finals({ d: 1 }, {})).includes('differs'));
});

test('a pause is the longest time without an acknowledged write', () => {
  const history = [10, 20, 90, 100].map((t) => op('upsert', t - 1, t, 'ok', { v: t }));
  assert.deepEqual(longestPause(history, 0, 110), { ms: 70, at: 20 });
  assert.deepEqual(longestPause(history, 50, 110), { ms: 40, at: 50 });
  assert.deepEqual(longestPause(history, 0, 40), { ms: 20, at: 20 });
  assert.deepEqual(longestPause([], 0, 40), { ms: 40, at: 0 });
});

/// The definition itself: any order that respects time, with any of the unknown ones left out.
function definition(operations) {
  const effects = {
    create: (s, o) => (o.out === 'unknown' ? s ?? o.v : o.out === 'exists' ? s ?? undefined : s === null ? o.v : undefined),
    upsert: (s, o) => o.v,
    update: (s, o) => (o.out === 'unknown' ? (s === null ? null : o.v) : o.out === 'absent' ? (s === null ? null : undefined) : s === null ? undefined : o.v),
    delete: (s, o) => (o.out === 'unknown' ? null : o.out === 'absent' ? (s === null ? null : undefined) : s === null || s !== o.seen ? undefined : null),
    get: (s, o) => (s === (o.seen ?? null) ? s : undefined),
  };
  const end = (o) => (o.out === 'unknown' ? Infinity : o.t1);
  const search = (left, state) => left.every((o) => o.out === 'unknown')
    || left.some((o) => left.every((other) => o.t0 <= end(other)) && (() => {
      const next = effects[o.kind](state, o);
      return next !== undefined && search(left.filter((other) => other !== o), next);
    })());
  return search(operations.filter((o) => !(o.kind === 'get' && o.out === 'unknown')), null) ? 'yes' : 'no';
}

test('small histories get the verdict of the definition', () => {
  const random = new Random(1, 'histories');
  const verdicts = { yes: 0, no: 0 };
  for (let round = 0; round < 20000; ++round) {
    const history = [];
    for (let v = 1; v <= 2 + random.below(5); ++v) {
      const kind = random.pick(['create', 'upsert', 'update', 'delete', 'get']);
      const outs = { create: ['ok', 'exists'], upsert: ['ok'], update: ['ok', 'absent'], delete: ['ok', 'absent'], get: ['ok', 'absent'] };
      const out = random.chance(0.35) ? 'unknown' : random.pick(outs[kind]);
      const t0 = random.below(12);
      const seen = out === 'ok' && (kind === 'get' || kind === 'delete') ? { seen: 1 + random.below(6) } : {};
      const writes = kind === 'get' || kind === 'delete' ? {} : { v };
      history.push(op(kind, t0, t0 + 1 + random.below(4), out, { ...writes, ...seen }));
    }
    const expected = definition(history);
    ++verdicts[expected];
    assert.equal(linearizable(history), expected, JSON.stringify(history, null, 1));
  }
  assert.ok(verdicts.yes > 1000 && verdicts.no > 1000, JSON.stringify(verdicts));
});
