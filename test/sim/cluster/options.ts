// Owns: what a seed is. First the configuration is drawn (swarm testing: which faults exist at all,
// how large the group is, how small its limits), then the run. A profile narrows the draw to the
// schedule that finds one kind of bug (shared/research/raft.md 7.5).

import type { Rng } from '../../../src/base/rng.js';
import type { ReplicationLimits } from '../../../src/node.js';
import type { DiskOptions } from './disk.js';
import type { NetOptions } from './net.js';

export const FAULTS = [
  'powerCut',
  'kill',
  'powerCutAll',
  'crashInOperation',
  'crashAtElection',
  'powerCutLeader',
  'restart',
  'pause',
  'pauseLeader',
  'partition',
  'isolateLeader',
  'oneWay',
  'clog',
  'swizzle',
  'heal',
  'reset',
  'failSync',
  'failRead',
  'diskFull',
  'stall',
  'clockStep',
  'save',
  'wipe',
  'rot',
  'transfer',
  'clogReset',
  'clogTransfer',
  'transferCut',
  'killThenCut',
  'wipeWitness',
  'pauseIsolated',
  'rotLive',
  'rotBase',
  'misdirect',
  'loseLog',
  'loseStable',
  'demote',
  'promote',
  'addPeer',
  'removePeer',
  'replacePeer',
  'replaceCut',
  'resetPeer',
  'misroute',
  'corruptMemory',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Whom to heal and whom to damage is another question while the voters change. */
const MEMBERSHIP: ReadonlySet<Fault> = new Set([
  'demote',
  'promote',
  'addPeer',
  'removePeer',
  'replacePeer',
  'replaceCut',
  'resetPeer',
]);

export function isOfMembership(fault: Fault): boolean {
  return MEMBERSHIP.has(fault);
}

/** Those that need what only their own profiles have: other hosts, snapshots all the time. */
const OF_ONE_PROFILE: ReadonlySet<Fault> = new Set([
  ...MEMBERSHIP,
  'misroute',
  'corruptMemory',
  'transferCut',
  'killThenCut',
  'wipeWitness',
]);

export interface WorkloadOptions {
  readonly clientsPerNode: number;
  /** Ms between two bursts of a client, at most. */
  readonly thinkMs: number;
  readonly burstMax: number;
  /** Ms a client thinks between WATCH and MULTI, at most. */
  readonly watchMs: number;
  readonly keys: number;
  /** Bytes of a large value; 0 for none. */
  readonly largeValue: number;
  readonly scripts: boolean;
}

export interface Options {
  readonly nodes: number;
  /** Nodes that wait to be added. */
  readonly spares: number;
  /** There is another cluster, whose members have the ids of ours. */
  readonly strangers: boolean;
  /** Whoever is not in the core that is healed at last is cut off in one direction, for good. */
  readonly lastCut: boolean;
  /** Ms of simulated time of the phase with faults. */
  readonly durationMs: number;
  readonly electionMs: number;
  readonly heartbeatMs: number;
  readonly writeTimeoutMs: number;
  /** Leases instead of a round of heartbeats for each read. */
  readonly leases: boolean;
  readonly snapshotWrites: number;
  readonly snapshotMinMs: number;
  readonly entriesKept: number;
  readonly segmentBytes: number;
  /** Of segments behind the snapshot. */
  readonly historyBytes: number;
  readonly limits: ReplicationLimits;
  readonly net: NetOptions;
  readonly disk: DiskOptions;
  /** Rates of the hosts' clocks differ by up to this part. */
  readonly drift: number;
  /** Microseconds a look at the clock costs. */
  readonly lookCost: number;
  readonly faults: readonly Fault[];
  /** Mean ms between faults. */
  readonly faultEveryMs: number;
  readonly pauseMaxMs: number;
  readonly workload: WorkloadOptions;
}

type Narrowing = (options: Options, rng: Rng) => Partial<Options>;

function pick<T>(rng: Rng, ...from: readonly T[]): T {
  return from[rng.below(from.length)]!;
}

/** Clients that leave no moment unused, on few keys: whatever is stale for a moment is seen. */
function eager(options: Options, rng: Rng): WorkloadOptions {
  return {
    ...options.workload,
    clientsPerNode: 3,
    thinkMs: pick(rng, 20, 50),
    burstMax: 1,
    keys: pick(rng, 1, 2),
    largeValue: 0,
  };
}

const PROFILES = {
  /** Everything, as drawn. */
  swarm: () => ({}),
  /** Nothing goes wrong: what is seen here is no fault's work. */
  calm: () => ({ faults: [] }),
  /** Minority leaders, lost updates. */
  partition: (_, rng) => ({
    nodes: pick(rng, 3, 5),
    faults: ['partition', 'isolateLeader', 'oneWay', 'heal'],
    faultEveryMs: pick(rng, 300, 1000, 3000),
  }),
  /** Stale reads of a leader that was away. */
  pause: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    faults: ['pauseLeader', 'pauseIsolated', 'pauseIsolated', 'pause', 'clockStep'],
    faultEveryMs: 4 * options.electionMs,
    workload: eager(options, rng),
    pauseMaxMs: 4 * options.electionMs,
  }),
  /** Stale reads of a leader whose lease ran out unnoticed, or was handed over. */
  lease: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    leases: true,
    drift: pick(rng, 0, 0.01),
    faults: ['pauseIsolated', 'isolateLeader', 'transferCut', 'transferCut', 'restart', 'oneWay'],
    faultEveryMs: 3 * options.electionMs,
    workload: eager(options, rng),
    pauseMaxMs: 4 * options.electionMs,
  }),
  /** Everybody loses what was not synced, in the middle of whatever they did. */
  crash: (_, rng) => ({
    faults: ['powerCut', 'powerCutAll', 'crashInOperation', 'crashInOperation', 'kill'],
    faultEveryMs: pick(rng, 300, 1000, 2000),
  }),
  /** Members that lose power between their vote and its durability. */
  election: (options, rng) => ({
    nodes: pick(rng, 2, 3, 3, 5),
    faults: ['crashAtElection', 'crashAtElection', 'powerCutLeader', 'isolateLeader', 'heal'],
    faultEveryMs: options.electionMs,
    disk: { ...options.disk, syncMax: 20_000 },
  }),
  /** Snapshots all the time, installs interrupted. */
  snapshot: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    snapshotWrites: pick(rng, 5, 20, 50),
    snapshotMinMs: 1,
    entriesKept: pick(rng, 0, 1, 5),
    historyBytes: pick(rng, 0, 0, 3000),
    segmentBytes: pick(rng, 500, 3000, 20_000),
    faults: [
      'crashInOperation',
      'crashInOperation',
      'isolateLeader',
      'powerCut',
      'kill',
      'pause',
      'save',
      'heal',
      'reset',
    ],
    faultEveryMs: options.electionMs,
  }),
  /** One voter: it acknowledges alone, so its own disk must be asked first. */
  single: (options, rng) => ({
    disk: { ...options.disk, syncMin: 5000, syncMax: pick(rng, 20_000, 100_000) },
    workload: eager(options, rng),
    nodes: pick(rng, 1, 1, 2),
    faults: ['powerCut', 'crashInOperation', 'kill', 'save'],
    faultEveryMs: pick(rng, 300, 1000),
  }),
  /** Leaders that rotate in minorities of five (Raft paper, figure 8; long divergent tails). */
  rotate: (options) => ({
    nodes: 5,
    faults: ['isolateLeader', 'isolateLeader', 'kill', 'powerCut', 'heal'],
    faultEveryMs: options.electionMs,
  }),
  /** Members far behind, brought on with old segments whose tails were replaced. */
  history: (options, rng) => ({
    nodes: pick(rng, 3, 5, 5),
    snapshotWrites: pick(rng, 3, 10),
    snapshotMinMs: 1,
    entriesKept: pick(rng, 0, 1),
    historyBytes: pick(rng, 3000, 10_000_000),
    segmentBytes: pick(rng, 500, 3000, 50_000),
    faults: ['isolateLeader', 'isolateLeader', 'kill', 'powerCut', 'heal'],
    faultEveryMs: options.electionMs,
  }),
  /** Old leaders whose own tails reach over the others' snapshots. */
  divergent: (options, rng) => ({
    nodes: 3,
    snapshotWrites: 1,
    snapshotMinMs: 1,
    entriesKept: 0,
    historyBytes: 0,
    limits: { ...options.limits, uncommittedBytesMax: 2 ** 30 },
    workload: {
      ...options.workload,
      clientsPerNode: 6,
      thinkMs: 200,
      burstMax: 2,
      largeValue: 300_000,
      keys: 3,
    },
    faults: ['isolateLeader', 'isolateLeader', 'isolateLeader', 'heal', 'kill'],
    faultEveryMs: pick(rng, 1, 2) * options.electionMs,
  }),
  /** Links in one direction only, for long. */
  asymmetric: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    lastCut: true,
    faults: ['oneWay', 'oneWay', 'heal', 'clog', 'reset'],
    faultEveryMs: 3 * options.electionMs,
  }),
  /** Leadership handed on while what says so is late. */
  transfer: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    faults: ['clogTransfer', 'clogTransfer', 'transfer', 'isolateLeader', 'heal', 'kill'],
    faultEveryMs: 3 * options.electionMs,
    workload: { ...options.workload, thinkMs: pick(rng, 200, 800) },
  }),
  /** Disks that fail, fill up and hang. */
  disk: (_, rng) => ({
    faults: ['failSync', 'failRead', 'diskFull', 'stall', 'crashInOperation'],
    faultEveryMs: pick(rng, 500, 2000),
  }),
  /** Voters become learners and voters again, and leadership is handed on, under partitions. */
  membership: (options, rng) => ({
    nodes: pick(rng, 3, 3, 4, 5),
    faults: [
      'transfer',
      'demote',
      'promote',
      'promote',
      'isolateLeader',
      'heal',
      'kill',
      'powerCut',
    ],
    faultEveryMs: 2 * options.electionMs,
  }),
  /** Members come and go, and are replaced, under partitions and crashes. */
  spares: (options, rng) => ({
    nodes: pick(rng, 1, 2, 3, 3),
    spares: pick(rng, 1, 2, 2),
    faults: [
      'addPeer',
      'addPeer',
      'removePeer',
      'replacePeer',
      'resetPeer',
      'resetPeer',
      'demote',
      'promote',
      'transfer',
      'isolateLeader',
      'partition',
      'heal',
      'kill',
      'powerCut',
      'wipe',
    ],
    faultEveryMs: pick(rng, 1, 2, 3) * options.electionMs,
  }),
  /** A member's data in memory is not what the log made of it: found at checkpoints, and rebuilt. */
  memory: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    snapshotWrites: pick(rng, 5, 10, 20),
    snapshotMinMs: 1,
    entriesKept: pick(rng, 0, 10, 1000),
    limits: { ...options.limits, inflightMessagesMax: pick(rng, 1, 2, 8) },
    faults: ['corruptMemory', 'isolateLeader', 'heal', 'kill', 'reset'],
    faultEveryMs: 2 * options.electionMs,
  }),
  /** A process that ends in the middle of a step, whose host loses power soon after the next one. */
  names: (_, rng) => ({
    nodes: pick(rng, 1, 3),
    snapshotWrites: pick(rng, 3, 10),
    snapshotMinMs: 1,
    entriesKept: pick(rng, 0, 10),
    segmentBytes: pick(rng, 500, 3000),
    faults: ['killThenCut', 'killThenCut', 'killThenCut', 'save'],
    faultEveryMs: pick(rng, 300, 1000),
  }),
  /** Snapshots on their way over connections that break all the time. */
  stream: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    snapshotWrites: pick(rng, 5, 20),
    snapshotMinMs: 1,
    entriesKept: 0,
    historyBytes: 0,
    limits: { ...options.limits, snapshotChunkBytes: pick(rng, 100, 500) },
    net: { ...options.net, pieceMax: 0, delayMin: 2000, delayMax: 20_000 },
    workload: { ...options.workload, largeValue: pick(rng, 5000, 60_000), keys: 10 },
    faults: [
      'reset',
      'reset',
      'reset',
      'reset',
      'reset',
      'reset',
      'clogReset',
      'isolateLeader',
      'powerCut',
      'heal',
    ],
    faultEveryMs: pick(rng, 50, 150),
  }),
  /** Groups that are caught in the middle of a joint membership. */
  joint: (options, rng) => ({
    nodes: pick(rng, 2, 3, 3),
    spares: 2,
    disk: { ...options.disk, syncMax: pick(rng, 3000, 50_000) },
    faults: [
      'replaceCut',
      'replaceCut',
      'replaceCut',
      'addPeer',
      'resetPeer',
      'resetPeer',
      'heal',
      'kill',
    ],
    faultEveryMs: 2 * options.electionMs,
  }),
  /** The same with data that takes its time to arrive, asked of several. */
  rebuild: (options, rng) => ({
    nodes: pick(rng, 3, 5),
    snapshotWrites: pick(rng, 10, 20),
    snapshotMinMs: 1,
    limits: { ...options.limits, snapshotChunkBytes: 100 },
    net: { ...options.net, pieceMax: 0, delayMin: 2000, delayMax: 20_000 },
    workload: { ...options.workload, largeValue: 60_000, keys: 10 },
    faults: ['corruptMemory', 'corruptMemory', 'reset', 'heal'],
    faultEveryMs: 2 * options.electionMs,
  }),
  /** Another cluster answers at addresses of this one. */
  strangers: (options, rng) => ({
    nodes: pick(rng, 2, 3, 3),
    strangers: true,
    faults: ['misroute', 'misroute', 'misroute', 'heal', 'kill', 'reset', 'isolateLeader'],
    faultEveryMs: 2 * options.electionMs,
  }),
  /** Members that lose their data, or find it changed, and come back. */
  amnesia: (options, rng) => ({
    nodes: pick(rng, 3, 3, 4, 5),
    faults: [
      'wipe',
      'wipe',
      'rot',
      'rotLive',
      'misdirect',
      'loseLog',
      'loseStable',
      'powerCut',
      'isolateLeader',
      'heal',
      'kill',
    ],
    faultEveryMs: 2 * options.electionMs,
  }),
  /** A member needs a snapshot that has rotted since it was written. */
  rotten: (options, rng) => ({
    nodes: pick(rng, 3, 3, 5),
    snapshotWrites: 0,
    entriesKept: 0,
    historyBytes: 0,
    segmentBytes: pick(rng, 500, 5000),
    faults: ['rotBase', 'rotBase', 'rotBase', 'transfer', 'heal', 'reset'],
    faultEveryMs: 4 * options.electionMs,
  }),
  /** A member that was away meets one that has forgotten, while nobody else is there. */
  witness: (options) => ({
    nodes: 3,
    faults: ['wipeWitness', 'wipeWitness', 'heal'],
    faultEveryMs: 3 * options.electionMs,
  }),
  /** Links clogged one by one, opened in another order. */
  swizzle: (options) => ({
    faults: ['swizzle', 'clogReset', 'clogReset', 'clog', 'reset', 'kill', 'powerCut'],
    faultEveryMs: 2 * options.electionMs,
  }),
  /** Scripts in the workload: an interpreter in every node, so starts are slow. */
  scripts: (options, rng) => ({
    nodes: 3,
    faults: ['kill', 'isolateLeader', 'heal'],
    faultEveryMs: pick(rng, 2000, 5000),
    workload: { ...options.workload, scripts: true },
  }),
} satisfies Record<string, Narrowing>;

export type ProfileName = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];

export function drawOptions(rng: Rng, profile: ProfileName, durationMs: number): Options {
  const drawn = { ...drawSwarm(rng), durationMs };
  const narrow: Narrowing = PROFILES[profile];
  return { ...drawn, ...narrow(drawn, rng) };
}

function drawSwarm(rng: Rng): Omit<Options, 'durationMs'> {
  const electionMs = pick(rng, 300, 500, 1000);
  return {
    nodes: pick(rng, 1, 2, 3, 3, 3, 4, 5),
    spares: 0,
    strangers: false,
    lastCut: rng.below(4) === 0,
    electionMs,
    heartbeatMs: electionMs / pick(rng, 3, 4, 5),
    writeTimeoutMs: pick(rng, 1000, 3000, 10_000),
    leases: rng.below(4) === 0,
    snapshotWrites: pick(rng, 0, 5, 30, 200),
    snapshotMinMs: pick(rng, 1, 200, 2000),
    entriesKept: pick(rng, 0, 1, 10, 1000),
    segmentBytes: pick(rng, 500, 5000, 50_000, 1_000_000),
    historyBytes: pick(rng, 0, 5000, 10_000_000),
    limits: {
      appendBytesMax: pick(rng, 1, 300, 5000, 2 ** 20),
      inflightMessagesMax: pick(rng, 1, 2, 8, 64),
      uncommittedBytesMax: pick(rng, 1, 2000, 2 ** 30),
      snapshotChunkBytes: pick(rng, 100, 1000, 2 ** 18),
    },
    net: drawNet(rng),
    disk: drawDisk(rng),
    drift: pick(rng, 0, 0, 0.01, 0.05),
    lookCost: pick(rng, 1, 1, 50, 2000),
    faults: drawFaults(rng),
    faultEveryMs: pick(rng, 150, 500, 1500, 4000),
    pauseMaxMs: pick(rng, 100, 2000, 10_000),
    workload: {
      clientsPerNode: pick(rng, 1, 2, 3),
      thinkMs: pick(rng, 50, 200, 800),
      burstMax: pick(rng, 1, 1, 4, 10),
      watchMs: pick(rng, 0, 100, 1000),
      keys: pick(rng, 1, 3, 10, 40),
      largeValue: pick(rng, 0, 0, 5000, 60_000),
      scripts: false,
    },
  };
}

function drawNet(rng: Rng): NetOptions {
  const delayMin = pick(rng, 50, 200, 1000);
  return {
    delayMin,
    delayMax: delayMin * pick(rng, 1, 2, 10),
    lateOneIn: pick(rng, 0, 0, 5, 100),
    lateMax: pick(rng, 20_000, 200_000),
    pieceMax: pick(rng, 0, 0, 3, 50),
    patience: pick(rng, 1_000_000, 5_000_000, 20_000_000),
  };
}

function drawDisk(rng: Rng): DiskOptions {
  return {
    syncMin: pick(rng, 50, 500),
    syncMax: pick(rng, 500, 3000, 20_000, 100_000),
    otherMax: pick(rng, 10, 200, 3000),
    crash: pick(rng, 'prefix', 'prefix', 'zeros', 'drop'),
    namesInOrder: rng.below(2) === 0,
  };
}

/** Half of them, or in one seed of three only a few, which then happen again and again. */
function drawFaults(rng: Rng): Fault[] {
  const choice = FAULTS.filter((fault) => !OF_ONE_PROFILE.has(fault));
  if (rng.below(3) > 0) return choice.filter(() => rng.below(2) === 0);
  return Array.from({ length: 1 + rng.below(3) }, () => choice[rng.below(choice.length)]!);
}
