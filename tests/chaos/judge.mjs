// Reads a history and what every node holds at the end, and says what is wrong with them.
//
// A line of the history is an operation on a document (see register.mjs; out may also be 'refused':
// answered as not done) or a search { kind: 'search', out, hits: [[id, v]], t0, t1 }. Times are
// milliseconds of one clock. A document that was answered carries its value twice; one in which
// they differ has `mangled`.

import { linearizable } from './register.mjs';

const WRITES = new Set(['create', 'upsert', 'update', 'delete']);
const isAcknowledgedWrite = (op) => WRITES.has(op.kind) && op.out === 'ok';

/// finals: [{ node, t0, t1, documents: Map(id -> v) }]
export function judge(history, finals) {
  const violations = [];
  const byDocument = new Map();
  const attempts = new Map();  // value -> operation
  for (const op of history) {
    if (op.v !== undefined) attempts.set(op.v, op);
    if (op.kind === 'search') continue;
    if (!byDocument.has(op.id)) byDocument.set(op.id, []);
    byDocument.get(op.id).push(op);
  }
  const sight = (id, v, before, who) => {
    const op = attempts.get(v);
    if (op === undefined || op.id !== id) {
      violations.push({ kind: 'invented', id, text: `${who} shows value ${v}, which nobody wrote there` });
    } else if (op.t0 > before) {
      violations.push({ kind: 'invented', id, text: `${who} shows value ${v} before it was written` });
    } else if (op.out === 'refused') {
      violations.push({ kind: 'refused', id, text: `${who} shows value ${v}, whose ${op.kind} was answered as refused (${op.code})` });
    } else {
      return true;
    }
    return false;
  };
  for (const op of history) {
    if (op.mangled) violations.push({ kind: 'mangled', id: op.id, text: JSON.stringify(op) });
    if (op.kind === 'search') for (const [id, v] of op.hits ?? []) sight(id, v, op.t1, 'a search');
  }
  for (const final of finals) {
    for (const [id, v] of final.documents) {
      if (!byDocument.has(id)) violations.push({ kind: 'invented', id, text: `node ${final.node} holds a document that nobody wrote` });
      else if (v === null) violations.push({ kind: 'mangled', id, text: `on node ${final.node} at the end` });
    }
  }
  for (const [id, operations] of byDocument) judgeDocument(id, operations, finals, sight, violations);
  judgeEquality(finals, violations);
  return violations;
}

function judgeDocument(id, operations, finals, sight, violations) {
  const certain = operations.filter((op) => op.out !== 'refused');
  for (const op of certain) {
    if (op.seen !== undefined && !sight(id, op.seen, op.t1, `a ${op.kind}`)) return;
  }
  const reads = finals.map(({ node, t0, t1, documents }) => {
    const there = documents.has(id);
    return { kind: 'get', node, t0, t1, out: there ? 'ok' : 'absent', ...(there ? { seen: documents.get(id) } : {}) };
  });
  for (const read of reads) {
    if (read.seen !== undefined && !sight(id, read.seen, read.t1, `node ${read.node} at the end`)) return;
  }
  const verdict = linearizable([...certain, ...reads]);
  if (verdict === 'yes') return;
  const story = [...certain, ...reads].sort((a, b) => a.t0 - b.t0).slice(-12).map(tell).join('; ');
  if (verdict === 'undecided') {
    violations.push({ kind: 'undecided', id, text: story });
  } else if (linearizable(certain) === 'yes') {
    violations.push({ kind: 'lost', id, text: `the end does not follow from: ${story}` });
  } else {
    violations.push({ kind: 'stale', id, text: `no order explains: ${story}` });
  }
}

function tell(op) {
  const value = op.v ?? op.seen;
  const where = op.node === undefined ? '' : ` @${op.node}`;
  return `[${op.t0.toFixed(0)}-${op.t1.toFixed(0)}] ${op.kind}${value === undefined ? '' : ` ${value}`}${where} ${op.out}`;
}

function judgeEquality(finals, violations) {
  const [first, ...others] = finals;
  for (const other of others) {
    const differing = [...new Set([...first.documents.keys(), ...other.documents.keys()])]
      .filter((id) => first.documents.get(id) !== other.documents.get(id));
    if (differing.length !== 0) {
      violations.push({
        kind: 'differs',
        id: differing[0],
        text: `nodes ${first.node} and ${other.node} differ in ${differing.length} documents`,
      });
    }
  }
}

/// The longest time without an acknowledged write that overlaps [from, to]: { ms, at }.
export function longestPause(history, from, to, isGood = isAcknowledgedWrite) {
  const times = history.filter(isGood).map((op) => op.t1).sort((a, b) => a - b);
  let longest = { ms: 0, at: from };
  let last = from;
  for (const time of [...times, to]) {
    const end = Math.min(time, to);
    if (time >= from && end - last > longest.ms) longest = { ms: end - last, at: last };
    if (time > to) break;
    last = Math.max(last, time);
  }
  return longest;
}

export function count(history) {
  const counts = {};
  for (const op of history) {
    const row = (counts[op.kind] ??= { all: 0, ok: 0, refused: 0, unknown: 0 });
    ++row.all;
    if (op.out === 'unknown' || op.out === 'refused') ++row[op.out];
    else ++row.ok;
  }
  return counts;
}
