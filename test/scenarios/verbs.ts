// Owns: the verbs of scenario files; README.md lists them for readers. A verb acts on the world and
// leaves lines in its trace; what it is told wrongly throws an Error.

import { membershipOf } from '../../src/raft/membership.js';
import { MESSAGE_TYPES } from '../../src/raft/messages.js';
import { rosterMember, withMember } from '../../src/raft/roster.js';
import type { Roster } from '../../src/raft/types.js';
import { entryText, statusLines } from './describe.js';
import type { Command } from './format.js';
import { newDisk, ScenarioNode, type Settings, TICK_MS } from './node.js';
import type { Selection, World } from './world.js';

type Verb = (world: World, command: Command) => void;

const CONFIG: Omit<Settings, 'id'> = {
  electionTicks: 10,
  heartbeatTicks: 3,
  appendBytesMax: 10_000,
  inflightMessagesMax: 4,
  uncommittedBytesMax: 10_000,
  leaseMs: null,
};

/** Bytes of a proposal, unless it says otherwise. */
const PROPOSAL_BYTES = 10;

export const VERBS: Readonly<Record<string, Verb>> = {
  'add-nodes': addNodes,
  jitter: (world, { words: [id, ticks] }) => {
    world.node(id).jitter = count(ticks);
  },
  'process-ready': (world, { words }) => {
    for (const node of world.nodesOf(words)) if (node.awake) node.processReady();
  },
  flush: (world, { words, options }) => {
    for (const id of words) {
      const node = world.node(id);
      if (node.unflushed === 0) throw new Error(`${id} has nothing to flush`);
      node.flush(option(options, 'writes', node.unflushed));
    }
  },
  'repeat-completion': (world, { words: [id, token] }) =>
    world.node(id).repeatCompletion(count(token)),
  apply: (world, { words }) => {
    for (const node of world.nodesOf(words)) node.apply();
  },
  stabilize: (world, { words }) => world.stabilize(world.nodesOf(words)),
  run,
  tick: (world, { words: [times, ...ids] }) => {
    for (const node of world.nodesOf(ids)) tick(node, count(times));
  },
  campaign: (world, { words: [id] }) => world.node(id).act((core) => core.campaign()),
  propose,
  'propose-membership': proposeMembership,
  transfer: (world, { words: [id, to] }) => {
    const taken = world.node(id).act((core) => core.transferLeadership(to ?? null));
    if (!taken) world.trace.event(`${id} hands leadership to nobody`);
  },
  read: (world, { words: [id, ...reads] }) => {
    for (const read of reads) {
      world.asked(id!, count(read));
      world.node(id).act((core) => core.readIndex(count(read)));
    }
  },
  compact: (world, { words: [id], options }) => world.node(id).compact(option(options, 'keep', 0)),
  'send-snapshot': (world, { words: [id, to] }) => world.sendSnapshot(world.node(id), to!),
  'snapshot-failed': (world, { words: [id, to] }) =>
    world.node(id).act((core) => core.snapshotSent(to!, false)),
  unreachable: (world, { words: [id, peer] }) =>
    world.node(id).act((core) => core.unreachable(peer!)),
  linkdown: (world, { words: [id, peer] }) => world.node(id).act((core) => core.linkDown(peer!)),
  hold: (world, { words: [id, ...what] }) => {
    for (const each of what) world.node(id).held.add(oneOf(each, ['disk', 'apply', 'snapshots']));
  },
  release: (world, { words: [id] }) => world.node(id).held.clear(),
  pause: (world, { words }) => {
    for (const id of words) world.node(id).paused = true;
  },
  resume: (world, { words }) => {
    for (const id of words) world.node(id).paused = false;
  },
  crash: (world, { words, options }) => {
    for (const id of words) world.node(id).crash(option(options, 'kept', 0));
  },
  restart: (world, { words }) => {
    for (const id of words) {
      stopped(world, id).start();
      world.trace.event(`${id} starts again`);
    }
  },
  wipe,
  'edit-disk': (world, { words: [id], options }) => {
    const { disk } = stopped(world, id);
    disk.hardState = { term: option(options, 'term', 0), vote: options.get('vote') ?? '' };
  },
  partition: (world, { words }) =>
    world.partition(
      words
        .join(' ')
        .split('|')
        .map((group) => group.trim().split(' ')),
    ),
  cut: (world, { words: [from, , to] }) => world.cut(world.node(from).id, world.node(to).id),
  heal: (world) => world.heal(),
  deliver: (world, command) => some(world.deliver(selection(command))),
  drop: (world, command) => some(world.drop(selection(command))),
  late: (world, command) => some(world.setAside(selection(command))),
  'release-late': (world) => some(world.releaseAside()),
  duplicate: (world, command) => some(world.duplicate(selection(command))),
  'pass-time': (world, { words: [ms, ...ids] }) => {
    for (const node of world.nodesOf(ids)) node.passTime(count(ms));
  },
  flying: (world) => {
    for (const line of world.flying()) world.trace.event(line);
  },
  status: (world, { words }) => {
    for (const node of world.nodesOf(words)) {
      const lines = node.running
        ? statusLines(node.act((core) => core.status()))
        : [`${node.id} is down`];
      for (const line of lines) world.trace.event(line);
    }
  },
  'raft-log': (world, { words }) => {
    for (const node of world.nodesOf(words)) {
      for (const line of node.logLines()) world.trace.event(line);
    }
  },
  disk: (world, { words }) => {
    for (const node of world.nodesOf(words)) diskLine(world, node);
  },
  group,
};

/** `outsiders` among the ids: these belong to nobody yet and know of nobody. */
function addNodes(world: World, { words: ids, options }: Command): void {
  const words = ids.filter((id) => id !== 'outsiders');
  const list = (name: string): string[] | null => options.get(name)?.split(',') ?? null;
  const membership = membershipOf(
    list('voters') ?? (words.length < ids.length ? [] : words),
    list('learners') ?? [],
  );
  const config = {
    ...CONFIG,
    electionTicks: option(options, 'election', CONFIG.electionTicks),
    heartbeatTicks: option(options, 'heartbeat', CONFIG.heartbeatTicks),
    appendBytesMax: option(options, 'append-bytes', CONFIG.appendBytesMax),
    inflightMessagesMax: option(options, 'inflight', CONFIG.inflightMessagesMax),
    uncommittedBytesMax: option(options, 'uncommitted', CONFIG.uncommittedBytesMax),
    leaseMs: leaseOf(options.get('lease')),
  };
  const terms = list('log')?.map(Number) ?? [];
  for (const id of words) {
    if (world.nodes.has(id)) throw new Error(`node ${id} is there already`);
    const disk = newDisk(`${id}-1`, membership, terms);
    const node = new ScenarioNode({ ...config, id }, disk, world);
    world.nodes.set(id, node);
    node.start();
  }
}

/** Nodes that are one group from the start, the first of them its leader, everything settled. */
function group(world: World, command: Command): void {
  addNodes(world, command);
  const { detail } = world.trace;
  world.trace.detail = 'quiet';
  const leader = world.node(command.words[0]);
  // With leases a node that has just started helps nobody yet.
  const promiseMs = leaseOf(command.options.get('lease'))?.promise ?? 0;
  for (const node of world.nodesOf([])) node.passTime(promiseMs);
  leader.act((core) => core.campaign());
  world.stabilize(world.nodesOf([]));
  world.trace.detail = detail;
  for (const line of statusLines(leader.core.status())) world.trace.event(line);
}

function propose(world: World, { words: [id, ...bodies], options }: Command): void {
  for (const body of bodies) {
    const size = option(options, 'size', PROPOSAL_BYTES);
    const entry = world.node(id).act((core) => core.propose('batch', size, () => body));
    if (entry === null) world.trace.event(`${id} does not take ${body}`);
    else world.trace.step(`${id} appends ${entryText(entry)}`);
  }
}

function proposeMembership(world: World, { words: [id, ...ids] }: Command): void {
  const plus = ids.indexOf('+');
  const voters = plus < 0 ? ids : ids.slice(0, plus);
  const learners = plus < 0 ? [] : ids.slice(plus + 1);
  const { core } = world.node(id);
  const roster = metBy(world, core.membership.roster, [...voters, ...learners]);
  const result = world.node(id).act(() => core.proposeMembership(voters, learners, roster));
  if (typeof result === 'string') world.trace.event(`${id} refuses: ${result}`);
  else world.trace.step(`${id} appends ${entryText(result)}`);
}

/** The roster with who is not in it under this UUID yet: it was seen when it said hello. */
function metBy(world: World, roster: Roster, ids: readonly string[]): Roster {
  let known = roster;
  for (const member of world.rosterOf(ids).members) {
    if (rosterMember(known, member.id)?.uuid !== member.uuid) known = withMember(known, member);
  }
  return known;
}

/** So many times: every node that is awake ticks, then all settles. Leaves events only. */
function run(world: World, { words: [times, ...ids] }: Command): void {
  const { detail } = world.trace;
  if (detail === 'full') world.trace.detail = 'brief';
  const nodes = world.nodesOf(ids);
  for (let i = 0; i < count(times); i++) {
    for (const node of nodes) if (node.awake) tick(node, 1);
    world.stabilize(nodes);
  }
  world.trace.detail = detail;
}

function tick(node: ScenarioNode, times: number): void {
  if (!node.awake) throw new Error(`${node.id} does not run`);
  for (let i = 0; i < times; i++) {
    node.passTime(TICK_MS);
    node.act((core) => core.tick());
  }
}

/** The disk of a node that is down becomes that of a new one. */
function wipe(world: World, { words: [id], options }: Command): void {
  const node = stopped(world, id);
  const membership = membershipOf(options.get('voters')?.split(',') ?? [], []);
  const life = Number(node.disk.uuid.split('-')[1]) + 1;
  Object.assign(node.disk, newDisk(`${node.id}-${life}`, membership, []));
  world.invariants.forget(node.id);
}

function stopped(world: World, id: string | undefined): ScenarioNode {
  const node = world.node(id);
  if (node.running) throw new Error(`${id} runs`);
  return node;
}

function diskLine(world: World, { id, disk, unflushed }: ScenarioNode): void {
  const { hardState, snapshot, entries } = disk;
  const log = entries.map(entryText).join(', ');
  const base = snapshot.index === 0 ? '' : ` snapshot=${snapshot.index}@${snapshot.term}`;
  const vote = hardState.vote === '' ? '-' : hardState.vote;
  world.trace.event(
    `${id} disk: term=${hardState.term} vote=${vote}${base} [${log}], ${unflushed} writes to come`,
  );
}

/** lease=1000/900: the promise and its use by the leader, ms. */
function leaseOf(word: string | undefined): Settings['leaseMs'] {
  if (word === undefined) return null;
  const [promise, duration] = word.split('/');
  return { promise: count(promise), duration: count(duration) };
}

function selection({ words, options }: Command): Selection {
  const type = options.get('type');
  const limit = options.get('count');
  return {
    to: words[0] === 'all' ? undefined : words,
    from: options.get('from'),
    type: type === undefined ? undefined : oneOf(type, MESSAGE_TYPES),
    count: limit === undefined ? undefined : count(limit),
  };
}

/** A verb that is about messages and finds none is a mistake in the scenario. */
function some(messages: number): void {
  if (messages === 0) throw new Error('no such message is in flight');
}

function option(options: Command['options'], name: string, fallback: number): number {
  const value = options.get(name);
  return value === undefined ? fallback : count(value);
}

function count(word: string | undefined): number {
  const value = Number(word);
  if (word === undefined || !Number.isSafeInteger(value) || value < 0) {
    throw new Error(`${word ?? 'nothing'} is not a count`);
  }
  return value;
}

function oneOf<T extends string>(word: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === word);
  if (found === undefined) throw new Error(`${word} is none of ${allowed.join(', ')}`);
  return found;
}
