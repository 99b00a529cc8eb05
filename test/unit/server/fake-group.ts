// A replicated group without a network: the real machine over a log in memory. `automatic` commits
// and applies at the end of each turn; otherwise the test says when: `commit` puts this node's
// oldest writes into the log as one entry, `foreign` commits another node's write (whose client
// then knows it done), `applyNext` lets this node catch up by one entry. A ticket comes back once
// everything is applied that was committed when it was asked for.

import type { OriginRun } from '../../../src/base/log-entry.js';
import { Machine, type ResultSink } from '../../../src/machine/machine.js';
import type { AdminOutcome } from '../../../src/peer/admin-codec.js';
import { PeerRefusals } from '../../../src/peer/refusals.js';
import { systemClock } from '../../../src/platform/clock.js';
import { tcp } from '../../../src/platform/net.js';
import { systemProcess } from '../../../src/platform/process.js';
import type {
  Group,
  GroupStatus,
  MembershipStatus,
  PendingRead,
  PendingWrite,
  PersistenceStatus,
} from '../../../src/replica/group.js';
import { buildPayload } from '../../../src/replica/payload-builder.js';
import type { ErrorReply } from '../../../src/resp/reply.js';
import { encodeCommand } from '../../../src/resp/request.js';
import type { ServerCommand } from '../../../src/server/command.js';
import { Instruments } from '../../../src/server/instruments.js';
import { listen } from '../../../src/server/listener.js';
import { RespServer } from '../../../src/server/resp-server.js';
import { Settings } from '../../../src/server/settings.js';
import { MEMBERSHIP } from './fakes.js';

const NO_LATENCY = { count: 0, p50: 0, p99: 0, max: 0 };
const DISCARDS: ResultSink = { beforeApply() {}, applied() {} };

export class FakeGroup implements Group {
  growthRefusal: ErrorReply | null = null;
  readonly machine = new Machine({ node: 'self', incarnation: 1 });
  automatic = true;
  canReadNow = true;
  refused: ErrorReply | null = null;
  /** What RAFT.* handed over, and what comes of it. */
  readonly asked: (readonly string[])[] = [];
  outcome: AdminOutcome = { outcome: 'done', text: 'OK' };
  role: GroupStatus['role'] = 'Leader';
  /** Called after entries were applied. */
  onBatch: () => void = () => {};
  onWrite: () => void = () => {};
  readonly writes: PendingWrite[] = [];
  readonly reads: { readonly read: PendingRead; readonly index: number }[] = [];
  /** Payloads of the entries applied so far (the last thousand). */
  readonly log: Buffer[] = [];
  #committed: Entry[] = [];
  #nextSeq = 1;
  #foreignSeq = 1;
  #scheduled = false;

  constructor() {
    // Like a leader's first entry: no write ever has index 1.
    const noop = { index: 1, term: 1, kind: 'noop' as const, time: Date.now(), seed: 0, runs: [] };
    this.machine.apply({ ...noop, payload: Buffer.alloc(0) }, DISCARDS);
  }

  get appliedIndex(): number {
    return this.machine.appliedIndex;
  }

  get commitIndex(): number {
    return this.machine.appliedIndex + this.#committed.length;
  }

  write(write: PendingWrite): void {
    this.writes.push(write);
    this.onWrite();
    this.#schedule();
  }

  read(read: PendingRead): void {
    this.reads.push({ read, index: this.commitIndex });
    this.#schedule();
  }

  refusal(): ErrorReply | null {
    return this.refused;
  }

  commit(count = 1): void {
    const writes = this.writes.splice(0, count);
    if (writes.length === 0) return;
    const firstSeq = this.#nextSeq;
    this.#nextSeq += writes.length;
    const { payload, runs } = buildPayload(writes, firstSeq);
    const sink: ResultSink = {
      beforeApply: (seq) => writes[seq - firstSeq]!.beforeApply(),
      applied: (seq, reply) => writes[seq - firstSeq]!.onApplied(reply),
    };
    const ours = runs.map((run) => ({ node: 'self', incarnation: 1, ...run }));
    this.#committed.push({ payload, runs: ours, sink });
  }

  foreign(...args: string[]): void {
    const firstSeq = this.#foreignSeq++;
    const run = { node: 'other', incarnation: 1, firstSeq, count: 1, watchIndex: 0 };
    this.#committed.push({ payload: encodeCommand(args), runs: [run], sink: DISCARDS });
  }

  applyNext(): void {
    const entry = this.#committed.shift();
    if (entry === undefined) return;
    this.log.push(entry.payload);
    if (this.log.length > 1000) this.log.splice(0, 500);
    const index = this.machine.appliedIndex + 1;
    this.machine.apply(
      {
        index,
        term: 1,
        kind: 'batch',
        time: Date.now(),
        seed: index,
        runs: entry.runs,
        payload: entry.payload,
      },
      entry.sink,
    );
    this.onBatch();
  }

  /** Answers the tickets that may be answered. */
  admitReads(): void {
    while (this.reads.length > 0 && this.reads[0]!.index <= this.appliedIndex) {
      this.reads.shift()!.read.onReadable();
    }
    this.onBatch();
  }

  /** Commits the oldest `count` writes and applies all there is. */
  step(count = 1): void {
    this.commit(count);
    while (this.commitIndex > this.appliedIndex) this.applyNext();
  }

  failWrite(error: ErrorReply): void {
    this.writes.shift()!.onFailed(error);
    this.onBatch();
  }

  failRead(error: ErrorReply): void {
    this.reads.shift()!.read.onFailed(error);
    this.onBatch();
  }

  status(): GroupStatus {
    return {
      enabled: true,
      nodeId: 'self',
      role: this.role,
      leaderId: 'self',
      leaderAddress: '',
      term: 1,
      commitIndex: this.appliedIndex,
      appliedIndex: this.appliedIndex,
      lastIndex: this.appliedIndex,
      firstIndex: 1,
      voters: 1,
      peers: [],
      fsyncMicros: NO_LATENCY,
      replicationMicros: NO_LATENCY,
      elections: 0,
      lease: { state: 'off', msLeft: 0 },
      peerRefusals: new PeerRefusals(systemClock, () => {}).counts,
      integrity: {
        ...{ quarantine: '', checkpoint: 0, digest: '', mismatches: 0, splits: 0 },
        verdict: 'open',
      },
      disk: { full: false, stalled: false, stalls: 0, refusing: false, freeBytes: 1e12 },
    };
  }

  readonly quarantine = null;
  membership(): MembershipStatus {
    return MEMBERSHIP;
  }

  administer(words: readonly string[]): Promise<AdminOutcome> {
    this.asked.push(words);
    return Promise.resolve(this.outcome);
  }

  snapshot(): Promise<void> {
    return Promise.resolve();
  }

  persistence(): PersistenceStatus {
    return {
      snapshotRunning: false,
      lastSnapshotAt: 0,
      lastSnapshotOk: true,
      snapshotFailures: 0,
      historyBytes: 0,
      lastSnapshotMs: 0,
      logBytes: 0,
      snapshotBytes: 0,
      fsync: 'every',
      pendingFsync: 0,
    };
  }

  #schedule(): void {
    if (!this.automatic || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.automatic) return;
      this.step(this.writes.length);
      this.admitReads();
    });
  }
}

interface Entry {
  readonly payload: Buffer;
  readonly runs: readonly OriginRun[];
  readonly sink: ResultSink;
}

export interface TestServer {
  readonly group: FakeGroup;
  readonly server: RespServer;
  readonly settings: Settings;
  readonly port: number;
  readonly warnings: string[];
  close(): Promise<void>;
}

/** A server over a fake group, without a port. */
export function makeServer(
  commands: readonly ServerCommand[] = [],
): Omit<TestServer, 'port' | 'close'> {
  const group = new FakeGroup();
  const settings = new Settings();
  const warnings: string[] = [];
  const identity = {
    version: '0',
    runId: '0'.repeat(40),
    replicationId: '0'.repeat(40),
    configFile: '',
  };
  const server = new RespServer({
    clock: systemClock,
    group,
    settings,
    instruments: new Instruments(settings, systemProcess, identity),
    commands,
    seed: 1,
    shutdown: () => {},
    warn: (message) => warnings.push(message),
  });
  group.onBatch = () => server.flushOutputs();
  return { group, server, settings, warnings };
}

/** The same on a free loopback port. */
export async function startServer(commands: readonly ServerCommand[] = []): Promise<TestServer> {
  const made = makeServer(commands);
  const { server } = made;
  const listener = await listen(tcp, server, { host: '127.0.0.1', port: 0 });
  const close = async (): Promise<void> => {
    for (const client of [...server.clients.values()]) client.close('now');
    server.close();
    await listener.close();
  };
  return { ...made, port: listener.port, close };
}
