// Fakes for tests of server commands: a client, a group with a real keyspace, and a server that
// calls rows by name.

import { Keyspace } from '../../../src/keyspace/keyspace.js';
import type { Machine } from '../../../src/machine/machine.js';
import type { AdminOutcome } from '../../../src/peer/admin-codec.js';
import { PeerRefusals } from '../../../src/peer/refusals.js';
import { type Clock, systemClock, type Timer } from '../../../src/platform/clock.js';
import type { ProcessFacts } from '../../../src/platform/process.js';
import type {
  Group,
  GroupStatus,
  MembershipStatus,
  PersistenceStatus,
} from '../../../src/replica/group.js';
import { ErrorReply, type Reply } from '../../../src/resp/reply.js';
import type { Client } from '../../../src/server/client.js';
import type { ServerCommand, ServerResult } from '../../../src/server/command.js';
import { serverCommands } from '../../../src/server/commands/registry.js';
import { Instruments } from '../../../src/server/instruments.js';
import type { Server, ServerStats } from '../../../src/server/server.js';
import { Settings } from '../../../src/server/settings.js';

export const NOW = 1_800_000_000_000;

interface FakeTimer extends Timer {
  at: number;
  readonly period: number;
  readonly run: () => void;
}

/** Time stands still until `advance`. */
export class FakeClock implements Clock {
  #now = NOW;
  readonly timers = new Set<FakeTimer>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - NOW + 1;
  }

  after(ms: number, run: () => void): Timer {
    return this.#add(ms, 0, run);
  }

  every(ms: number, run: () => void): Timer {
    return this.#add(ms, ms, run);
  }

  soon(run: () => void): void {
    queueMicrotask(run);
  }

  endOfTurn(run: () => void): void {
    this.#add(0, 0, run);
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.timers]
        .filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      if (due.period === 0) this.timers.delete(due);
      else due.at += due.period;
      due.run();
    }
    this.#now = end;
  }

  #add(ms: number, period: number, run: () => void): Timer {
    const cancel = (): void => {
      this.timers.delete(timer);
    };
    const timer: FakeTimer = { at: this.#now + ms, period, run, cancel };
    this.timers.add(timer);
    return timer;
  }
}

export class FakeClient implements Client {
  readonly id: number;
  readonly remote: string;
  readonly local = '127.0.0.1:6379';
  readonly connectedAt = NOW - 5000;
  lastActiveAt = NOW - 1000;
  name = '';
  libName = '';
  libVersion = '';
  db = 0;
  protocol: 2 | 3 = 2;
  user = 'default';
  authenticated = true;
  lastCommand = 'client|list';
  noEvict = false;
  noTouch = false;
  readOnlyMode = false;
  replyMode: 'on' | 'off' | 'skip' = 'on';
  monitoring = false;
  closesAfterReply = false;
  commandsProcessed = 0;
  inMulti = false;
  queuedCommands = 0;
  watchedKeys = 0;
  subscriptions = { channels: 0, patterns: 0, shardChannels: 0 };
  blocked = false;
  lastWriteIndex = 0;
  inputBytes = 0;
  outputBytes = 0;
  unblockWith: ((how: 'timeout' | 'error') => Reply) | null = null;
  /** Replies given through `resolve`, and how it was closed. */
  readonly resolved: Reply[] = [];
  closed: 'soon' | 'now' | null = null;

  constructor(id: number, remote = `127.0.0.1:${40_000 + id}`) {
    this.id = id;
    this.remote = remote;
  }

  resolve(reply: Reply): void {
    this.resolved.push(reply);
    this.unblockWith = null;
  }

  push(): void {}

  discard(): void {
    this.inMulti = false;
  }

  unwatch(): void {
    this.watchedKeys = 0;
  }

  unblock(how: 'timeout' | 'error'): boolean {
    if (this.unblockWith === null) return false;
    this.resolve(this.unblockWith(how));
    return true;
  }

  close(when: 'soon' | 'now'): void {
    this.closed = when;
  }
}

const LATENCY = { count: 10, p50: 120.4, p99: 900, max: 1500 };

export const LEADER: GroupStatus = {
  enabled: true,
  nodeId: 'node-1',
  role: 'Leader',
  leaderId: 'node-1',
  leaderAddress: '10.0.0.1:6379',
  term: 3,
  commitIndex: 41,
  appliedIndex: 40,
  lastIndex: 42,
  firstIndex: 1,
  voters: 3,
  peers: [
    {
      id: 'node-2',
      address: '10.0.0.2:7000',
      respAddress: '10.0.0.2:7000',
      connected: true,
      match: 42,
      lag: 0,
      state: 'replicate',
    },
    {
      id: 'node-3',
      address: '10.0.0.3:7000',
      respAddress: '10.0.0.3:7000',
      connected: false,
      match: 7,
      lag: 35,
      state: 'probe',
    },
  ],
  fsyncMicros: LATENCY,
  replicationMicros: { count: 3, p50: 300, p99: 4000, max: 9000 },
  elections: 2,
  lease: { state: 'off', msLeft: 0 },
  peerRefusals: new PeerRefusals(systemClock, () => {}).counts,
  integrity: {
    ...{ quarantine: '', checkpoint: 0, digest: '', mismatches: 0, splits: 0 },
    verdict: 'open',
  },
  disk: { full: false, stalled: false, stalls: 0, refusing: false, freeBytes: 1e12 },
};

export const MEMBERSHIP: MembershipStatus = {
  clusterId: 'cluster-1',
  uuid: 'uuid-1',
  standing: 'admitted',
  pending: 'none',
  transferee: '',
  removed: 2,
  members: [
    {
      ...{ id: 'node-1', uuid: 'uuid-1', address: '10.0.0.1:7000', respAddress: '10.0.0.1:6379' },
      ...{ role: 'voter', leader: true, promote: true, connected: true },
      ...{ state: 'self', match: 42, lag: 0 },
    },
    {
      ...{ id: 'node-2', uuid: 'uuid-2', address: '10.0.0.2:7000', respAddress: '' },
      ...{ role: 'learner', leader: false, promote: true, connected: false },
      ...{ state: 'probe', match: 7, lag: 35 },
    },
  ],
};

export class FakeGroup implements Group {
  growthRefusal: ErrorReply | null = null;
  readonly keyspace = new Keyspace();
  readonly machine = { keyspace: this.keyspace, time: 0, appliedIndex: 40 } as unknown as Machine;
  readonly appliedIndex = 40;
  readonly canReadNow = true;
  current: GroupStatus = LEADER;
  refused: ErrorReply | null = null;
  /** What RAFT.* handed over, and what comes of it. */
  readonly asked: (readonly string[])[] = [];
  outcome: AdminOutcome = { outcome: 'done', text: 'OK' };
  snapshots = 0;
  finishSnapshot: (error?: Error) => void = () => {};
  disk: PersistenceStatus = {
    snapshotRunning: false,
    lastSnapshotAt: NOW - 60_000,
    lastSnapshotOk: true,
    snapshotFailures: 0,
    historyBytes: 0,
    lastSnapshotMs: 2500,
    logBytes: 1000,
    snapshotBytes: 500,
    fsync: 'every',
    pendingFsync: 0,
  };

  write(): void {}

  read(): void {}

  readonly quarantine = null;

  refusal(): ErrorReply | null {
    return this.refused;
  }

  status(): GroupStatus {
    return this.current;
  }

  membership(): MembershipStatus {
    return MEMBERSHIP;
  }

  administer(words: readonly string[]): Promise<AdminOutcome> {
    this.asked.push(words);
    return Promise.resolve(this.outcome);
  }

  snapshot(): Promise<void> {
    this.snapshots++;
    return new Promise((resolve, reject) => {
      this.finishSnapshot = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  persistence(): PersistenceStatus {
    return this.disk;
  }
}

const FACTS: ProcessFacts = {
  pid: 4242,
  executable: '/usr/bin/helios-atlasd',
  hostname: 'host',
  os: 'Linux 6.1.0 x86_64',
  archBits: 64,
  runtime: 'node 20.20.2',
  totalMemory: 8 * 2 ** 30,
  memory: () => ({
    rss: 100 * 2 ** 20,
    used: 50 * 2 ** 20,
    heapUsed: 40 * 2 ** 20,
    heapTotal: 60 * 2 ** 20,
    external: 10 * 2 ** 20,
  }),
  cpu: () => ({ user: 1.5, system: 0.25 }),
  uptime: () => 100,
  collectGarbage: () => false,
};

export class FakeServer implements Server {
  readonly clock = new FakeClock();
  readonly group = new FakeGroup();
  readonly settings = new Settings();
  readonly instruments = new Instruments(this.settings, FACTS, {
    version: '0.1.0',
    runId: 'a'.repeat(40),
    replicationId: 'b'.repeat(40),
    configFile: '',
  });
  readonly subscriptions = { channels: 3, patterns: 1, shardChannels: 0 };
  readonly clients = new Map<number, FakeClient>();
  readonly commands: ReadonlyMap<string, ServerCommand> = serverCommands;
  readonly stats: ServerStats = {
    startedAt: NOW - 90_000_000,
    connectionsReceived: 7,
    connectionsRejected: 1,
    commandsProcessed: 1000,
    bytesIn: 2048,
    bytesOut: 4096,
    errors: new Map([['ERR', 2]]),
    commands: new Map(),
  };
  pause: Server['pause'] = { until: 0, mode: 'all' };
  outOfMemory = false;
  monitor = null;
  onTouch = null;
  readonly shutdowns: { save: boolean }[] = [];

  onClientClosed(): void {}

  flushOutputs(): void {}

  shutdown(options: { save: boolean }): void {
    this.shutdowns.push(options);
  }

  connect(remote?: string): FakeClient {
    const client = new FakeClient(this.clients.size + 1, remote);
    this.clients.set(client.id, client);
    return client;
  }

  /** Runs a command as dispatch would: by name or `parent|child`, thrown errors become replies. */
  run(client: Client, ...args: string[]): ServerResult {
    const word = args[0]!.toLowerCase();
    const sub = `${word}|${args[1]?.toLowerCase() ?? ''}`;
    const command = this.commands.get(sub) ?? this.commands.get(word);
    if (command === undefined) throw new Error(`no command ${args.join(' ')}`);
    try {
      return command.run(client, args, this);
    } catch (error) {
      if (error instanceof ErrorReply) return error;
      throw error;
    }
  }
}

/** The text of an error reply; fails the test on anything else. */
export function errorOf(result: ServerResult): string {
  if (result instanceof ErrorReply) return result.text;
  throw new Error(`expected an error, got ${String(result)}`);
}
