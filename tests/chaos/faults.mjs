// What each fault does to the laboratory. begin() resolves to what end() must undo, or to nothing if
// the fault was not possible at that moment.

import { isHealthy, request, until } from './api.mjs';

const others = (lab, machine) => lab.machines.filter((other) => other !== machine);

/// Commands of the switch for each direction between a machine and ports.
const links = (name, machine, ports, directions, values = '') => ports.flatMap((port) => [
  ...(directions.includes('out') ? [`${name} ${machine.number} ${port} ${values}`] : []),
  ...(directions.includes('in') ? [`${name} ${port} ${machine.number} ${values}`] : []),
]);

const peersOf = (lab, machine) => others(lab, machine).map((other) => other.number);

function network(commandsOf) {
  return {
    begin: (lab, fault, machine) => { lab.setLinks(fault, commandsOf(lab, machine, fault)); return true; },
    end: (lab, fault) => lab.setLinks(fault),
  };
}

function control(name, valueOf) {
  return {
    begin: (lab, fault, machine) => { machine.set(name, valueOf(fault.parameters)); return true; },
    end: (lab, fault, machine) => machine.set(name, 0),
  };
}

/// A server may end itself when its disk fails, or say that it is not well; then it is started anew,
/// as its operator would do.
function brokenDisk(name) {
  return {
    begin: (lab, fault, machine) => {
      machine.expectedEnd = true;
      machine.set(name, 1);
      return true;
    },
    end: async (lab, fault, machine) => {
      machine.set(name, 0);
      if (machine.runs && await until(() => isHealthy(machine.address), 1000)) {
        machine.expectedEnd = false;
        return;
      }
      await machine.end();
      machine.start();
    },
  };
}

function halves(lab, fault) {
  const order = [...lab.machines.keys()].map((i) => ((i + fault.pick) % lab.size) + 1);
  const minority = order.slice(0, Math.floor((lab.size - 1) / 2));
  return order.filter((port) => !minority.includes(port))
    .flatMap((far) => minority.flatMap((near) => [`cut ${near} ${far}`, `cut ${far} ${near}`]));
}

const everyPort = (lab, machine) => [...peersOf(lab, machine), lab.clientPort];

export const FAULTS = {
  'kill': {
    begin: async (lab, fault, machine) => { await machine.end(); return true; },
    end: (lab, fault, machine) => machine.start(),
  },
  'kill all': {
    begin: async (lab) => { await Promise.all(lab.machines.map((machine) => machine.end())); return true; },
    end: (lab) => lab.machines.forEach((machine) => machine.start()),
  },
  'power cut': {
    begin: async (lab, fault, machine) => {
      lab.setLinks(fault, links('cut', machine, everyPort(lab, machine), ['in', 'out']));
      await machine.cutPower();
      return true;
    },
    end: (lab, fault, machine) => { machine.restorePower(); lab.setLinks(fault); },
  },
  'power cut all': {
    begin: async (lab) => {
      lab.machines.forEach((machine) => machine.signal('SIGSTOP'));
      await Promise.all(lab.machines.map((machine) => machine.cutPower()));
      return true;
    },
    end: (lab) => lab.machines.forEach((machine) => machine.restorePower()),
  },
  'pause': {
    begin: (lab, fault, machine) => { machine.signalServing('SIGSTOP'); return true; },
    end: (lab, fault, machine) => machine.signalServing('SIGCONT'),
  },
  // From the other nodes; clients still reach it, and must not be told what is no longer true.
  'isolate': network((lab, machine) => links('cut', machine, peersOf(lab, machine), ['in', 'out'])),
  'unplug': network((lab, machine) => links('cut', machine, everyPort(lab, machine), ['in', 'out'])),
  'deaf': network((lab, machine) => links('cut', machine, peersOf(lab, machine), ['in'])),
  'mute': network((lab, machine) => links('cut', machine, peersOf(lab, machine), ['out'])),
  'one link': network((lab, machine, fault) => {
    const peers = peersOf(lab, machine);
    return links('cut', machine, [peers[fault.pick % peers.length]], ['in', 'out']);
  }),
  'halves': { begin: (lab, fault) => { lab.setLinks(fault, halves(lab, fault)); return true; }, end: (lab, fault) => lab.setLinks(fault) },
  'slow network': network((lab, machine, { parameters: { ms, vary } }) => (
    links('delay', machine, everyPort(lab, machine), ['in', 'out'], `${ms} ${vary}`))),
  'bad network': network((lab, machine, { parameters: { lose, double } }) => [
    ...links('lose', machine, everyPort(lab, machine), ['in', 'out'], lose),
    ...links('double', machine, everyPort(lab, machine), ['in', 'out'], double),
  ]),
  'slow disk': control('syncDelayUs', ({ ms }) => ms * 1000),
  'full disk': {
    begin: (lab, fault, machine) => { machine.fillDisk(); return true; },
    end: (lab, fault, machine) => machine.emptyDisk(),
  },
  'sync fails': brokenDisk('failingSyncs'),
  'write fails': brokenDisk('failingWrites'),
  'clock jumps': control('clockJumpNs', ({ seconds }) => seconds * 1e9),
  'handover': {
    begin: async (lab, fault, machine) => {
      const answer = await request(machine.address, 'POST', '/operations/vote').catch(() => undefined);
      return answer !== undefined && answer.status < 300;
    },
    end: () => {},
  },
};

/// The machine that a fault means, among those that no other fault has; undefined if there is none.
export async function chooseTarget(lab, fault, busy) {
  const free = lab.machines.filter((machine) => !busy.has(machine));
  if (fault.target === 'all') return busy.size === 0 ? lab.machines[0] : undefined;
  if (free.length === 0) return undefined;
  const leader = fault.target === 'any' ? undefined : await lab.leader();
  if (fault.target === 'leader' && leader && fault.kind !== 'handover') {
    const machine = lab.machines[leader - 1];
    if (!busy.has(machine)) return machine;
  }
  const followers = free.filter((machine) => machine.number !== leader);
  const choice = followers.length === 0 ? free : followers;
  return choice[fault.pick % choice.length];
}
