// Is the history of one document linearizable? The document is a register: absent (null) or a
// value that no other write has.
//
// An operation: { kind, v, out, seen, t0, t1 }
//   kind  create, upsert, update, delete, get
//   v     what it writes (create, upsert, update)
//   out   'ok'       answered as done
//         'exists'   a create was refused because the document is there
//         'absent'   get, update or delete found none
//         'unknown'  may have happened, at any time after t0, or never
//   seen  the value that get or delete answered
// An operation that failed for certain does not belong here.
//
// The search is Wing and Gong's with Lowe's memory: take every operation that may come next, never
// twice from the same (operations done, state). One thing makes it fast where much is unknown: an
// operation without an answer may always be put off, so it is used only just before an answered one
// that would be impossible without it, and only in the shortest ways (see `ways`).

export const STEPS_MAX = 2_000_000;
const ABSENT = Symbol('absent');
const PRESENT = Symbol('present');

/// What the state must be for an answered operation: ABSENT, PRESENT, a value, or undefined.
function need(op) {
  if (op.kind === 'upsert') return undefined;
  if (op.out === 'absent' || (op.kind === 'create' && op.out === 'ok')) return ABSENT;
  return op.seen ?? PRESENT;
}

function meets(state, needed) {
  if (needed === undefined) return true;
  if (needed === ABSENT) return state === null;
  return needed === PRESENT ? state !== null : state === needed;
}

/// The state after an answered operation that was possible.
function after(state, op) {
  if (op.out !== 'ok' || op.kind === 'get') return state;
  return op.kind === 'delete' ? null : op.v;
}

class Search {
  constructor(history) {
    const byStart = (a, b) => a.t0 - b.t0;
    this.answered = history.filter((op) => op.out !== 'unknown').sort(byStart);
    this.maybe = history.filter((op) => op.out === 'unknown' && op.kind !== 'get').sort(byStart);
    this.done = new Array(this.answered.length).fill(false);
    this.used = new Array(this.maybe.length).fill(false);
    const seen = new Set(history.map((op) => op.seen).filter((v) => v !== undefined));
    this.isSeen = this.maybe.map((op) => seen.has(op.v));
    this.tried = new Set();
    this.steps = 0;
  }

  /// Indexes in `maybe` of those that may be used by `until`.
  available(until, test) {
    const found = [];
    for (let i = 0; i < this.maybe.length && this.maybe[i].t0 <= until; ++i) {
      if (!this.used[i] && test(this.maybe[i], i)) found.push(i);
    }
    return found;
  }

  /// Ways to make an existing document absent: all deletes are alike, so the first one.
  removals(until) {
    return this.available(until, (op) => op.kind === 'delete').slice(0, 1);
  }

  /// Ways to make an absent document present: those whose values nobody saw are alike.
  makers(until) {
    const makes = (op) => op.kind === 'create' || op.kind === 'upsert';
    const unseen = this.available(until, (op, i) => makes(op) && !this.isSeen[i]).slice(0, 1);
    return [...unseen, ...this.available(until, (op, i) => makes(op) && this.isSeen[i])];
  }

  /// Lists of unanswered operations that lead from `state` to what is needed; [] if it is met.
  ways(state, needed, until) {
    if (meets(state, needed)) return [[]];
    if (needed === ABSENT) return this.removals(until).map((i) => [i]);
    if (needed === PRESENT) return this.makers(until).map((i) => [i]);
    const [writer] = this.available(until, (op) => op.v === needed);
    if (writer === undefined) return [];
    const { kind } = this.maybe[writer];
    if (kind === 'create' && state !== null) return this.removals(until).map((i) => [i, writer]);
    if (kind === 'update' && state === null) return this.makers(until).map((i) => [i, writer]);
    return [[writer]];
  }

  key(first, state) {
    const bits = (list) => list.map((bit) => (bit ? '1' : '0')).join('');
    return `${first}:${bits(this.done.slice(first))}:${bits(this.used)}:${state}`;
  }

  /// `first` is the first answered operation that is not done.
  from(first, state) {
    const { answered, done } = this;
    while (first < answered.length && done[first]) ++first;
    if (first === answered.length) return true;
    const key = this.key(first, state);
    if (this.tried.has(key)) return false;
    this.tried.add(key);
    let horizon = Infinity;
    for (let i = first; i < answered.length && answered[i].t0 <= horizon; ++i) {
      if (!done[i]) horizon = Math.min(horizon, answered[i].t1);
    }
    for (let i = first; i < answered.length && answered[i].t0 <= horizon; ++i) {
      if (!done[i] && this.take(i, first, state, horizon)) return true;
    }
    return false;
  }

  take(i, first, state, horizon) {
    const op = this.answered[i];
    for (const way of this.ways(state, need(op), horizon)) {
      if (++this.steps > STEPS_MAX) return false;
      for (const j of way) this.used[j] = true;
      this.done[i] = true;
      const last = way.length === 0 ? undefined : this.maybe[way[way.length - 1]];
      const prepared = last === undefined ? state : last.v ?? null;
      if (this.from(first, after(prepared, op))) return true;
      this.done[i] = false;
      for (const j of way) this.used[j] = false;
    }
    return false;
  }
}

/// 'yes', 'no', or 'undecided' after STEPS_MAX steps.
export function linearizable(history) {
  const search = new Search(history);
  if (search.from(0, null)) return 'yes';
  return search.steps > STEPS_MAX ? 'undecided' : 'no';
}
