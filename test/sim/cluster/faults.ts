// Owns: what can go wrong in a run, one function per fault. Each says how often it really happened.

import { CORRUPT_KEY, type SimHost } from './host.js';
import { RAFT_PORT } from './node-config.js';
import type { Fault } from './options.js';
import type { Simulation } from './simulation.js';

const SECTOR = 512;
/** Where term and vote are. */
const STABLE = '/data/raft/';

/** False when there was nothing to break. */
type Perform = (simulation: Simulation, host: SimHost) => boolean;

const PERFORM: { readonly [F in Fault]: Perform } = {
  powerCut: (simulation, host) => crash(simulation, host, true),
  kill: (simulation, host) => crash(simulation, host, false),
  powerCutAll: (simulation) => {
    if (simulation.rng.below(3) > 0) return false;
    for (const host of simulation.hosts) crash(simulation, host, true);
    return true;
  },
  crashInOperation: (simulation, host) => {
    if (!host.running) return false;
    host.disk.troubles.operationsToLive = 1 + simulation.rng.below(30);
    return true;
  },
  killThenCut: (simulation, host) => {
    if (!host.running) return false;
    host.killThenCut = true;
    host.disk.troubles.operationsToLive = 1 + simulation.rng.below(20);
    return true;
  },
  wipeWitness: (simulation) => wipeWitness(simulation),
  crashAtElection: (simulation) => {
    simulation.electionTraps++;
    return true;
  },
  powerCutLeader: (simulation) => {
    const leader = simulation.leaderHost();
    return leader !== null && crash(simulation, leader, true);
  },
  restart: (simulation, host) => {
    if (host.process?.ready !== true || host.process.paused) return false;
    host.stop();
    // A supervisor's patience.
    simulation.later(20_000, () => {
      if (host.process?.stopping === true) crash(simulation, host, false);
    });
    return true;
  },
  pause: (simulation, host) => pause(simulation, host),
  pauseIsolated: (simulation) => pauseIsolated(simulation),
  pauseLeader: (simulation) => {
    const leader = simulation.leaderHost();
    return leader !== null && pause(simulation, leader);
  },
  partition: (simulation) => {
    const { rng, hosts } = simulation;
    const side = new Set(hosts.filter(() => rng.below(2) === 0));
    for (const from of hosts) {
      for (const to of hosts) {
        if (side.has(from) !== side.has(to)) simulation.net.cut(from.address, to.address);
      }
    }
    healLater(simulation);
    return side.size > 0 && side.size < hosts.length;
  },
  isolateLeader: (simulation) => {
    const leader = simulation.leaderHost();
    if (leader === null) return false;
    const company = simulation.rng.below(3) === 0 ? simulation.anyHost() : leader;
    for (const other of simulation.hosts) {
      if (other === leader || other === company) continue;
      for (const inside of [leader, company]) {
        simulation.net.cut(inside.address, other.address);
        simulation.net.cut(other.address, inside.address);
      }
    }
    healLater(simulation);
    return simulation.hosts.length > 1;
  },
  oneWay: (simulation, host) => {
    const outwards = simulation.rng.below(2) === 0;
    for (const other of simulation.hosts) {
      if (other === host || simulation.rng.below(3) === 0) continue;
      if (outwards) simulation.net.cut(host.address, other.address);
      else simulation.net.cut(other.address, host.address);
    }
    healLater(simulation);
    return true;
  },
  clog: (simulation, host) => {
    const other = simulation.anyHost();
    if (other === host) return false;
    const wait = simulation.rng.below(4000 * simulation.options.electionMs);
    simulation.net.clog(host.address, other.address, wait);
    return true;
  },
  swizzle: (simulation, host) => swizzle(simulation, host),
  heal: (simulation) => {
    const cut = simulation.net.cuts > 0;
    simulation.net.heal();
    return cut;
  },
  reset: (simulation, host) => {
    const other = simulation.anyHost();
    const chance = (): boolean => simulation.rng.below(2) === 0;
    return simulation.net.reset(host.address, other.address, chance) > 0;
  },
  failSync: (_, host) => {
    if (!host.running) return false;
    host.disk.troubles.failSyncs = 1;
    return true;
  },
  failRead: (_, host) => {
    host.disk.troubles.failReads = 1;
    return true;
  },
  diskFull: (simulation, host) => {
    const { troubles } = host.disk;
    if (troubles.room !== Number.POSITIVE_INFINITY) return false;
    troubles.room = simulation.rng.below(5000);
    simulation.later(simulation.rng.below(10_000), () => {
      troubles.room = Number.POSITIVE_INFINITY;
    });
    return true;
  },
  stall: (simulation, host) => {
    const ms = simulation.rng.below(simulation.options.pauseMaxMs);
    host.disk.troubles.stalledUntil = simulation.events.now + 1000 * ms;
    return true;
  },
  clockStep: (simulation, host) => {
    const reach = simulation.rng.below(3) === 0 ? 100_000 : 2000;
    host.clockFaults.offset += simulation.rng.below(2 * reach) - reach;
    return true;
  },
  wipe: (simulation, host) => {
    if (!simulation.mayDamage(host)) return false;
    host.crash(true);
    simulation.wipeSoon(host);
    simulation.startLater(host);
    return true;
  },
  rot: (simulation, host) => {
    if (!simulation.mayDamage(host)) return false;
    host.crash(true);
    simulation.later(0, () => rot(simulation, host));
    simulation.startLater(host);
    return true;
  },
  rotLive: (simulation, host) => {
    if (!host.running || !simulation.mayDamage(host)) return false;
    rot(simulation, host);
    host.unread = host.damaged;
    return host.damaged;
  },
  rotBase: (simulation) => rotBase(simulation),
  misdirect: (simulation, host) => {
    if (!simulation.mayDamage(host)) return false;
    host.crash(true);
    simulation.later(0, () => misdirect(simulation, host));
    simulation.startLater(host);
    return true;
  },
  loseLog: (simulation, host) => {
    return loseFiles(simulation, host, () => host.disk.lose((path) => path.includes('appendonly')));
  },
  loseStable: (simulation, host) => {
    return loseFiles(simulation, host, () => {
      host.keyValue.garble();
      for (const path of host.disk.files()) {
        const inode = host.disk.inode(path)!;
        if (path.startsWith(STABLE)) inode.overwrite(0, Buffer.alloc(inode.size, 'garbled'));
      }
    });
  },
  misroute: (simulation) => misroute(simulation),
  transfer: (simulation, host) => order(simulation, host, ['RAFT.TRANSFER']),
  clogTransfer: (simulation) => clogTransfer(simulation),
  clogReset: (simulation, host) => clogReset(simulation, host),
  corruptMemory: (simulation, host) => corruptMemory(simulation, host),
  transferCut: (simulation) => {
    const leader = simulation.leaderHost();
    if (leader === null || !order(simulation, leader, ['RAFT.TRANSFER'])) return false;
    simulation.cutAtElection = leader;
    return true;
  },
  addPeer: (simulation, host) => {
    const spare = simulation.anySpare();
    return spare !== null && order(simulation, host, ['RAFT.ADDPEER', spare.id, raftAt(spare)]);
  },
  removePeer: (simulation, host) => {
    return order(simulation, host, ['RAFT.REMOVEPEER', simulation.anyHost().id]);
  },
  replacePeer: (simulation, host) => {
    const spare = simulation.anySpare();
    const { id } = simulation.anyHost();
    return spare !== null && order(simulation, host, ['RAFT.REPLACE', id, spare.id, raftAt(spare)]);
  },
  replaceCut: (simulation) => replaceCut(simulation),
  resetPeer: (simulation) => {
    const spare = simulation.anySpare();
    return spare !== null && order(simulation, spare, ['RAFT.RESET', spare.id]);
  },
  demote: (simulation, host) => order(simulation, host, ['RAFT.DEMOTE', simulation.anyHost().id]),
  promote: (simulation, host) => order(simulation, host, ['RAFT.PROMOTE', simulation.anyHost().id]),
  save: (simulation, host) => {
    return order(simulation, host, ['BGSAVE']);
  },
};

export function performFault(simulation: Simulation): void {
  const { rng, options } = simulation;
  const fault = options.faults[rng.below(options.faults.length)]!;
  if (PERFORM[fault](simulation, simulation.anyHost())) simulation.count(`fault ${fault}`);
}

function raftAt({ address }: SimHost): string {
  return `${address}:${RAFT_PORT}`;
}

function anyFile({ rng }: Simulation, { disk }: SimHost): string | undefined {
  const files = disk.files().filter((path) => disk.inode(path)!.size > 0);
  return files[rng.below(files.length)];
}

function rot(simulation: Simulation, host: SimHost): void {
  const path = anyFile(simulation, host);
  if (path !== undefined) rotFile(simulation, host, path);
}

/** A bit of a file at rest is another one. */
function rotFile(simulation: Simulation, host: SimHost, path: string): void {
  const inode = host.disk.inode(path)!;
  inode.rot(simulation.rng.below(inode.size), simulation.rng.below(8));
  host.damaged = true;
  simulation.line(`${host.id} rot in ${path}`);
}

/** One is away while the leader takes a snapshot, which rots before it is sent. */
function rotBase(simulation: Simulation): boolean {
  const { rng, options, net } = simulation;
  const leader = simulation.leaderHost();
  const away = simulation.anyHost();
  if (leader === null || leader === away) return false;
  isolate(simulation, away);
  simulation.later(rng.below(2 * options.electionMs), () => {
    if (!order(simulation, leader, ['BGSAVE'])) return;
    simulation.later(rng.below(options.electionMs), () => {
      const base = leader.disk.files().find((path) => path.endsWith('.base.rdb'));
      const may = simulation.breaks && leader.running && simulation.mayDamage(leader);
      if (may && base !== undefined) {
        rotFile(simulation, leader, base);
        leader.unread = true;
      }
      net.heal();
    });
  });
  return true;
}

/**
 * One is away while a leader commits with another; then that other one loses everything, and the
 * leader is away.
 */
function wipeWitness(simulation: Simulation): boolean {
  const { rng, options, net, hosts } = simulation;
  const leader = simulation.leaderHost();
  const others = hosts.filter((host) => host !== leader);
  if (leader === null || others.length !== 2) return false;
  const [away, witness] = rng.below(2) === 0 ? others : [...others].reverse();
  isolate(simulation, away!);
  simulation.later(rng.below(2 * options.electionMs), () => {
    if (!simulation.breaks || !simulation.mayDamage(witness!)) return;
    witness!.crash(true);
    simulation.wipeSoon(witness!);
    simulation.startLater(witness!);
    net.heal();
    cutOff(simulation, leader);
  });
  return true;
}

/** Part of what is at rest is gone: what is left must not be taken for all of it. */
function loseFiles(simulation: Simulation, host: SimHost, lose: () => void): boolean {
  if (!simulation.mayDamage(host)) return false;
  host.crash(true);
  simulation.later(0, () => {
    lose();
    host.damaged = true;
    host.admitted = false;
    simulation.line(`${host.id} lost files`);
  });
  simulation.startLater(host);
  return true;
}

/** What was written to one file went into another. */
function misdirect(simulation: Simulation, host: SimHost): void {
  const { rng } = simulation;
  const [from, to] = [anyFile(simulation, host), anyFile(simulation, host)];
  if (from === undefined || to === undefined || from === to) return;
  const source = host.disk.inode(from)!;
  const target = host.disk.inode(to)!;
  const sectors = Math.ceil(target.size / SECTOR);
  const bytes = source.read(SECTOR * rng.below(Math.ceil(source.size / SECTOR)), SECTOR);
  target.overwrite(SECTOR * rng.below(sectors), bytes);
  host.damaged = true;
  simulation.line(`${host.id} a sector of ${from} in ${to}`);
}

function crash(simulation: Simulation, host: SimHost, powerCut: boolean): boolean {
  if (!host.running) return false;
  host.crash(powerCut);
  simulation.startLater(host);
  return true;
}

/** Asks any node, as an operator does. */
function order(simulation: Simulation, host: SimHost, command: readonly string[]): boolean {
  if (host.awake?.ready !== true) return false;
  simulation.ask(host, command);
  return true;
}

/** SIGSTOP and SIGCONT. */
function pause(simulation: Simulation, host: SimHost): boolean {
  const { process } = host;
  if (process === null || process.paused) return false;
  host.pause();
  simulation.later(10 + simulation.rng.below(simulation.options.pauseMaxMs), () => {
    if (host.process === process) host.resume(simulation.rng.below(2) === 0);
  });
  return true;
}

/** A leader that is stopped, and alone when it goes on: others lead, and nobody can tell it. */
function pauseIsolated(simulation: Simulation): boolean {
  const { rng, options } = simulation;
  const leader = simulation.leaderHost();
  if (leader === null || !pause(simulation, leader)) return false;
  isolate(simulation, leader);
  simulation.later(options.pauseMaxMs + rng.below(4 * options.electionMs), () => {
    simulation.healNet();
  });
  return true;
}

/** Nothing passes between it and the other nodes. */
function isolate({ hosts, net }: Simulation, host: SimHost): void {
  for (const other of hosts) {
    if (other === host) continue;
    net.cut(host.address, other.address);
    net.cut(other.address, host.address);
  }
}

/** A voter is replaced, and while that is under way the group falls apart. */
function replaceCut(simulation: Simulation): boolean {
  const { rng, options } = simulation;
  const leader = simulation.leaderHost();
  const spare = simulation.anySpare();
  if (leader === null || spare === null) return false;
  const command = ['RAFT.REPLACE', simulation.anyHost().id, spare.id, raftAt(spare)];
  if (!order(simulation, leader, command)) return false;
  if (rng.below(2) === 0) {
    simulation.splitAtReplacement = true;
    return true;
  }
  simulation.later(rng.below(rng.below(2) === 0 ? 40 : options.electionMs), () => {
    if (!simulation.breaks) return;
    PERFORM[rng.below(4) === 0 ? 'isolateLeader' : 'partition'](simulation, leader);
  });
  return true;
}

/** Who has handed leadership on does not hear how that goes. */
export function cutOff(simulation: Simulation, host: SimHost): void {
  isolate(simulation, host);
  healLater(simulation);
}

/** The leader and the newcomer are alone with what they have just begun. */
export function splitOff(simulation: Simulation, leader: SimHost, newcomer: string): void {
  const { hosts, net } = simulation;
  const inside = hosts.filter((host) => host === leader || host.id === newcomer);
  for (const host of inside) {
    for (const other of hosts) {
      if (inside.includes(other)) continue;
      net.cut(host.address, other.address);
      net.cut(other.address, host.address);
    }
  }
  healLater(simulation);
}

/** Leadership is handed to a node that hears of it late. */
function clogTransfer(simulation: Simulation): boolean {
  const { rng, net, options } = simulation;
  const leader = simulation.leaderHost();
  const to = simulation.anyHost();
  if (leader === null || leader === to || !order(simulation, leader, ['RAFT.TRANSFER', to.id])) {
    return false;
  }
  simulation.later(rng.below(20), () => {
    net.clog(leader.address, to.address, rng.below(6000 * options.electionMs));
  });
  return true;
}

/** What one sends is late while what the other sends is lost, so that old answers meet new ones. */
function clogReset(simulation: Simulation, host: SimHost): boolean {
  const { rng, net, hosts, options } = simulation;
  const other = hosts[rng.below(hosts.length)]!;
  if (other === host) return false;
  net.clog(host.address, other.address, rng.below(2000 * options.electionMs));
  const dialedBy = other.address;
  for (let i = 1 + rng.below(3); i > 0; i--) {
    simulation.later(rng.below(options.electionMs), () => {
      net.reset(host.address, other.address, () => true, dialedBy);
    });
  }
  return true;
}

/** A key that nobody asks for is in the memory of one member: its answers stay right. */
function corruptMemory(simulation: Simulation, host: SimHost): boolean {
  const machine = host.awake?.parts?.machine;
  if (machine === undefined || machine.appliedIndex === 0 || !host.admitted) return false;
  const whole = simulation.hosts.every((each) => !each.corrupt && each.running);
  if (!whole || !simulation.mayDamage(host)) return false;
  machine.keyspace.database(0).set(CORRUPT_KEY, 'x');
  host.corrupt = true;
  simulation.line(`${host.id} has ${CORRUPT_KEY} in memory`);
  return true;
}

/** For a while a host of another cluster answers where one of ours is meant, or the other way. */
function misroute(simulation: Simulation): boolean {
  const { rng, net, strangers, hosts, options } = simulation;
  const at = rng.below(strangers.length);
  const stranger = strangers[at];
  const host = hosts[at];
  if (stranger === undefined || host === undefined) return false;
  // Who never was a member anywhere cannot know where it belongs.
  const isMember = ({ process }: SimHost): boolean => {
    return process === null || process.parts?.core.admission === 'admitted';
  };
  if (!hosts.every((each) => each.admitted && isMember(each))) return false;
  if (!strangers.every(isMember)) return false;
  const [meant, instead] = rng.below(2) === 0 ? [host, stranger] : [stranger, host];
  net.misroute(meant.address, RAFT_PORT, instead.address);
  for (const other of [...hosts, ...strangers]) {
    net.reset(other.address, meant.address, () => rng.below(2) === 0);
  }
  simulation.later(rng.below(8 * options.electionMs), () => {
    net.misroute(meant.address, RAFT_PORT, null);
    for (const other of [...hosts, ...strangers]) {
      net.reset(other.address, instead.address, () => rng.below(2) === 0);
    }
  });
  return true;
}

/** Paths of one host are clogged one by one and opened in another order (FoundationDB). */
function swizzle(simulation: Simulation, host: SimHost): boolean {
  const { rng, net, options } = simulation;
  const others = simulation.hosts.filter((other) => other !== host && rng.below(3) > 0);
  for (const other of others) {
    simulation.later(rng.below(2 * options.electionMs), () => {
      const wait = rng.below(4000 * options.electionMs);
      net.clog(host.address, other.address, wait);
      net.clog(other.address, host.address, wait);
    });
  }
  return others.length > 0;
}

function healLater(simulation: Simulation): void {
  const wait = simulation.rng.below(8 * simulation.options.electionMs);
  simulation.later(wait, () => simulation.healNet());
}
