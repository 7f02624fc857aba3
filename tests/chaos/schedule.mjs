// Which faults happen when: made from the seed alone, before anything runs.

import { Random } from './random.mjs';

const WARM_SECONDS = 1.5;
const TARGETS = ['leader', 'leader', 'follower', 'any'];

/// kind -> how often, from how many machines on, how long it lasts (seconds), and its parameters.
export const KINDS = {
  'kill': { weight: 4, nodes: 1, lasts: [0.2, 4] },
  'kill all': { weight: 1, nodes: 1, lasts: [0.2, 2] },
  'power cut': { weight: 3, nodes: 1, lasts: [0.2, 4] },
  'power cut all': { weight: 1, nodes: 2, lasts: [0.2, 2] },
  'pause': { weight: 3, nodes: 1, lasts: [0.3, 5] },
  'isolate': { weight: 3, nodes: 2, lasts: [1, 6] },
  'unplug': { weight: 2, nodes: 1, lasts: [0.5, 5] },
  'deaf': { weight: 2, nodes: 2, lasts: [1, 6] },
  'mute': { weight: 2, nodes: 2, lasts: [1, 6] },
  'one link': { weight: 2, nodes: 3, lasts: [1, 6] },
  'halves': { weight: 2, nodes: 4, lasts: [1, 6] },
  'slow network': { weight: 2, nodes: 1, lasts: [2, 6], make: (r) => ({ ms: r.between(5, 120), vary: r.between(1, 80) }) },
  'bad network': { weight: 2, nodes: 1, lasts: [2, 6], make: (r) => ({ lose: r.between(0.01, 0.2), double: r.between(0, 0.2) }) },
  'slow disk': { weight: 2, nodes: 1, lasts: [1, 5], make: (r) => ({ ms: r.between(10, 400) }) },
  'full disk': { weight: 2, nodes: 1, lasts: [1, 4] },
  'sync fails': { weight: 2, nodes: 1, lasts: [0.5, 2] },
  'write fails': { weight: 1, nodes: 1, lasts: [0.5, 2] },
  'clock jumps': { weight: 2, nodes: 1, lasts: [1, 5], make: (r) => ({ seconds: Math.round(r.between(-4000, 4000)) }) },
  'handover': { weight: 2, nodes: 2, lasts: [0.5, 1] },
};

const WHOLE_CLUSTER = new Set(['kill all', 'power cut all', 'halves']);

function drawKind(random, names) {
  const total = names.reduce((sum, name) => sum + KINDS[name].weight, 0);
  let left = random.next() * total;
  return names.find((name) => (left -= KINDS[name].weight) < 0) ?? names[0];
}

/// -> [{ number, kind, target, from, to, parameters }], times in seconds after the start. `only`:
/// names of kinds to choose from.
export function makeSchedule({ seed, nodes, seconds, only }) {
  const random = new Random(seed, 'schedule');
  const names = (only ?? Object.keys(KINDS)).filter((name) => nodes >= KINDS[name].nodes);
  const faults = [];
  let at = WARM_SECONDS;
  while (names.length !== 0) {
    const kind = drawKind(random, names);
    const { lasts, make } = KINDS[kind];
    const to = at + random.between(...lasts);
    const target = WHOLE_CLUSTER.has(kind) ? 'all' : random.pick(TARGETS);
    const fault = { number: faults.length + 1, kind, target, from: at, to, pick: random.below(1000), parameters: make?.(random) ?? {} };
    if (to > seconds - 0.5) break;
    faults.push(fault);
    // Mostly one after the other, now and then the next begins while this one lasts.
    at = nodes > 2 && random.chance(0.25) ? at + random.between(0.2, to - at) : to + random.between(0.5, 3);
  }
  return faults;
}
