// Owns: the driver of one Raft group (architecture D9, section 3): it feeds the core, and carries
// out what the core asks. One turn at the end of each event-loop turn: writes to the leader,
// entries into the log, one Ready after another, then apply, then the links. Nothing in a turn
// waits; completions of disk and network start the next turn. Never looks into payloads, never
// answers a client itself: proposals.ts, reads.ts and the machine do.

import type { LoggedRecord } from '../base/log-entry.js';
import type { Machine } from '../machine/machine.js';
import { originName } from '../machine/origins.js';
import { checkPayload } from '../machine/payload-check.js';
import type { AdminOutcome } from '../peer/admin-codec.js';
import type { DigestNote } from '../peer/digest-codec.js';
import type { DiskState } from '../peer/disk-codec.js';
import type { PeerLinks } from '../peer/links.js';
import { NackReason, type Proposal, type ProposeNack } from '../peer/proposal-codec.js';
import type { PeerMessage } from '../peer/raft-codec.js';
import type { Clock, Timer } from '../platform/clock.js';
import type { RaftCore } from '../raft/core.js';
import type { Ready, RoleChange, SnapshotMeta } from '../raft/types.js';
import type { ErrorReply } from '../resp/reply.js';
import { Applier } from './applier.js';
import { CommitTimer } from './commit-timer.js';
import { DiskMonitor } from './disk-monitor.js';
import { DurableStream } from './durable-stream.js';
import {
  BUSY,
  CLUSTER_DOWN,
  DISK_BLOCKED,
  DISK_FULL,
  lostLog,
  lostWrites,
  QUARANTINED,
  REMOVED,
  SHUTTING_DOWN,
} from './errors.js';
import type {
  Group,
  GroupStatus,
  MembershipStatus,
  PendingRead,
  PendingWrite,
  PersistenceStatus,
} from './group.js';
import { Integrity } from './integrity.js';
import type { Members } from './members.js';
import { Pacemaker } from './pacemaker.js';
import { type ProposalBatch, Proposals } from './proposals.js';
import { Reads } from './reads.js';
import { LIMITS, type ReplicaParts } from './replica-parts.js';
import { logRole } from './role-log.js';
import { Sequencer } from './sequencer.js';
import { describeStatus } from './status.js';
import { waitUntil } from './wait-until.js';

export class Replica implements Group {
  readonly machine: Machine;
  /** Ms a client waits for a write or a linearizable read before it gets an error. */
  requestTimeoutMs: number;
  readonly #parts: ReplicaParts;
  readonly #core: RaftCore<LoggedRecord>;
  readonly #links: PeerLinks;
  readonly #members: Members;
  readonly #clock: Clock;
  readonly #proposals = new Proposals();
  readonly #sequencer = new Sequencer();
  readonly #reads: Reads;
  readonly #applier: Applier;
  readonly #durable: DurableStream;
  readonly #pacemaker: Pacemaker;
  readonly #integrity: Integrity;
  readonly #disk: DiskMonitor;
  readonly #replication: CommitTimer;
  #timers: Timer[] = [];
  #turnScheduled = false;
  #inTurn = false;
  #stopping = false;
  /** A received snapshot is becoming this node's state; nothing is applied meanwhile. */
  #installing = false;
  #elections = 0;
  /** Monotonic ms when this node last knew a leader. */
  #leaderSeenAt: number;
  #resentAt = 0;
  #writesArrivedAt = 0;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.machine = parts.machine;
    this.requestTimeoutMs = parts.settings.requestTimeoutMs;
    this.#core = parts.core;
    this.#links = parts.links;
    this.#members = parts.members;
    this.#clock = parts.clock;
    this.#replication = new CommitTimer(parts.clock);
    this.#leaderSeenAt = parts.clock.monotonic();
    this.#reads = new Reads((id) => this.#core.readIndex(id));
    this.#applier = new Applier(parts.core, parts.machine, this.#proposals, parts.clock);
    this.#durable = new DurableStream({
      saveHardState: (state) => parts.storage.saveHardState(state),
      appendRecords: (records, done) => parts.storage.appendRecords(records, done),
      fatal: parts.fatal,
    });
    this.#pacemaker = new Pacemaker(parts.clock, () => this.#proposeEmpty('tick'));
    const { settings, core, links, clock, logger } = parts;
    this.#integrity = new Integrity({
      ...{ nodeId: settings.nodeId, core, links, clock, logger },
      onQuarantine: () => this.#quarantined(),
    });
    parts.snapshots.attach({
      applier: this.#applier,
      integrity: this.#integrity,
      links,
      schedule: () => this.#schedule(),
      offer: (from, term, meta) => this.#offer(from, term, meta),
      proposeCheckpoint: () => this.#proposeEmpty('checkpoint'),
    });
    this.#disk = new DiskMonitor({
      core: parts.core,
      space: parts.space,
      flush: () => this.#durable.oldest,
      stallTicks: parts.settings.stallTicks,
      isUp: (id) => parts.links.isUp(id),
      tellPeer: (to, state) => parts.links.sendDiskState(to, state),
      logger: parts.logger,
    });
  }

  /** Begins to tick. Links and storage are ready. */
  start(): void {
    const { clock, settings } = this.#parts;
    this.#timers = [
      clock.every(settings.tickMs, () => this.#tick()),
      clock.every(50, () => this.#poll()),
    ];
    this.#schedule();
  }

  get appliedIndex(): number {
    return this.machine.appliedIndex;
  }

  get growthRefusal(): ErrorReply | null {
    return this.#disk.groupFull ? DISK_FULL : null;
  }

  get canReadNow(): boolean {
    this.#tellTime();
    return this.#core.canReadNow;
  }

  get quarantine(): ErrorReply | null {
    return this.#integrity.quarantined ? QUARANTINED : null;
  }

  write(write: PendingWrite): void {
    // Writes that wait together share the arrival of the first: it is for time limits only.
    if (this.#proposals.queued === 0) this.#writesArrivedAt = this.#clock.monotonic();
    this.#proposals.add(write, this.#writesArrivedAt);
    this.#schedule();
  }

  read(read: PendingRead): void {
    if (this.#members.gone) {
      this.#clock.endOfTurn(() => {
        read.onFailed(REMOVED);
        this.#parts.onTurnEnd();
      });
      return;
    }
    this.#reads.add(read);
    this.#schedule();
  }

  refusal(): ErrorReply | null {
    if (this.#stopping) return SHUTTING_DOWN;
    if (this.#integrity.quarantined) return QUARANTINED;
    if (this.#parts.space.blocked) return DISK_BLOCKED;
    if (this.#members.gone) return REMOVED;
    if (this.#proposals.bytes > LIMITS.waitingBytesMax) return BUSY;
    if (this.#core.leader !== '') return null;
    const leaderless = this.#clock.monotonic() - this.#leaderSeenAt;
    return leaderless > this.requestTimeoutMs ? CLUSTER_DOWN : null;
  }

  status(): GroupStatus {
    this.#tellTime();
    const { settings, storage } = this.#parts;
    return describeStatus({
      settings,
      status: this.#core.status(),
      links: this.#links,
      addressOf: (id) => this.#members.addressOf(id),
      respAddress: settings.respAddress,
      fsyncMicros: storage.fsyncLatency(),
      replicationMicros: this.#replication.summary(),
      elections: this.#elections,
      integrity: this.#integrity.status(),
      disk: this.#disk.status(this.#parts.space.freeBytes),
    });
  }

  membership(): MembershipStatus {
    return this.#members.status();
  }

  administer(words: readonly string[]): Promise<AdminOutcome> {
    return this.#parts.administration.run(words);
  }

  snapshot(hurried: boolean): Promise<void> {
    return this.#parts.snapshots.take(hurried);
  }

  persistence(): PersistenceStatus {
    return this.#parts.snapshots.status();
  }

  /** Some work is due for what others gave to the core or the links. */
  schedule(): void {
    this.#schedule();
  }

  onMessage(message: PeerMessage): void {
    if (this.#members.gone) this.#members.heard(message.type);
    this.#tellTime();
    this.#core.step(message);
    this.#schedule();
  }

  onProposal(from: string, proposal: Proposal): void {
    const fault = checkPayload(proposal.payload, proposal.runs);
    if (fault !== null) {
      this.#links.refusals.note('proposal', from, `proposal of ${from} refused: ${fault}`);
      return;
    }
    if (this.#core.role !== 'leader') {
      this.#links.sendNack(from, { reason: NackReason.notLeader, expectedSeq: 0 });
    } else {
      const { incarnation, runs, payload } = proposal;
      const origin = originName(from, this.#links.identityOf(from)?.uuid ?? '');
      const result = this.#sequencer.offer({ node: origin, incarnation, runs, payload });
      if (!result.taken) {
        const { expectedSeq } = result;
        this.#links.sendNack(from, { reason: NackReason.gap, expectedSeq });
      }
    }
    this.#schedule();
  }

  onNack(_from: string, nack: ProposeNack): void {
    if (nack.reason === NackReason.gap) this.#resend(nack.expectedSeq);
    this.#schedule();
  }

  onDigest(from: string, note: DigestNote): void {
    this.#integrity.onDigest(from, note);
    this.#schedule();
  }

  onSnapshotWanted(from: string, index: number): void {
    this.#parts.snapshots.serve(from, index);
  }

  onDiskState(from: string, state: DiskState): void {
    this.#disk.onPeer(from, state);
  }

  onLinkUp(nodeId: string): void {
    this.#integrity.onLinkUp(nodeId);
    this.#disk.onLinkUp(nodeId);
    if (nodeId === this.#core.leader) this.#resend(0);
    this.#schedule();
  }

  onLinkDown(nodeId: string, way: 'in' | 'out'): void {
    // What it said of its disk it says again only over a new link of its own.
    if (way === 'in') this.#disk.onLinkDown(nodeId);
    this.#core.linkDown(nodeId);
    this.#parts.administration.linkDown(nodeId);
    this.#schedule();
  }

  onUnreachable(nodeId: string): void {
    this.#core.unreachable(nodeId);
    this.#schedule();
  }

  /**
   * Hands leadership over, then waits until another node leads or `limitMs` passed. True when it
   * worked.
   */
  async handOver(limitMs: number): Promise<boolean> {
    if (this.#core.role !== 'leader' || !this.#core.transferLeadership(null)) return false;
    this.#schedule();
    return waitUntil(this.#clock, limitMs, () => this.#core.role !== 'leader');
  }

  /**
   * New work is refused from now on; resolves when what was accepted is answered, or after
   * `limitMs`.
   */
  async drain(limitMs: number): Promise<void> {
    this.#stopping = true;
    await waitUntil(this.#clock, limitMs, () => this.#proposals.bytes === 0);
    this.#proposals.failAll();
    this.#parts.onTurnEnd();
  }

  /** Ends without waiting for anything: what was accepted is of unknown outcome. */
  abandon(): void {
    this.#stopping = true;
    this.#proposals.failAll();
    this.#parts.onTurnEnd();
    this.stop();
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#pacemaker.stop();
    this.#turnScheduled = true;
  }

  #schedule(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#clock.endOfTurn(() => this.#turn());
  }

  /** A write has become durable: what follows from it need not wait for the end of the turn. */
  #goOn(): void {
    if (this.#inTurn) this.#schedule();
    else this.#turn();
  }

  #turn(): void {
    if (this.#timers.length === 0) return;
    this.#turnScheduled = false;
    this.#inTurn = true;
    try {
      this.#forwardWrites();
      this.#appendEntries();
      this.#reads.dispatch(this.#clock.monotonic());
      this.#carryOut();
      if (this.#reads.ready) {
        this.#reads.dispatch(this.#clock.monotonic());
        this.#carryOut();
      }
      if (this.#parts.snapshots.hasStaged && !this.#installing)
        this.#parts.snapshots.discardStaged();
      this.#links.flush();
      this.#members.follow();
      this.#apply();
      this.#inTurn = false;
      this.#parts.onTurnEnd();
    } catch (error) {
      this.#parts.fatal(error);
    }
  }

  /** Gives this node's new writes to whoever leads; they wait while nobody does. */
  #forwardWrites(): void {
    if (this.#proposals.queued === 0) return;
    const leader = this.#core.leader;
    if (this.#core.role === 'leader') {
      if (this.#pipelineFull()) return;
    } else if (leader === '' || !this.#links.isUp(leader)) {
      return;
    }
    for (;;) {
      const batch = this.#proposals.nextBatch();
      if (batch === null) return;
      this.#hand(batch);
    }
  }

  #hand(batch: ProposalBatch): void {
    const { origin, incarnation } = this.#parts.settings;
    const { runs, payload } = batch;
    if (this.#core.role === 'leader') {
      this.#sequencer.offer({ node: origin, incarnation, runs, payload });
    } else {
      this.#links.sendProposal(this.#core.leader, { incarnation, runs, payload });
    }
  }

  /**
   * Sends again, in order, everything from `fromSeq` on that this node's machine has not applied.
   */
  #resend(fromSeq: number): void {
    this.#resentAt = this.#clock.monotonic();
    const leader = this.#core.leader;
    if (this.#core.role !== 'leader' && (leader === '' || !this.#links.isUp(leader))) return;
    for (const batch of this.#proposals.unapplied(fromSeq)) this.#hand(batch);
  }

  /**
   * The clients that are answered in this turn are about to send more: it shares the next entry,
   * which costs each member a sync. A group of one has nobody to spare.
   */
  #gathers(): boolean {
    const others = this.#core.membership.voters.length > 1;
    return others && this.machine.appliedIndex < this.#core.commitIndex;
  }

  #pipelineFull(): boolean {
    const inFlight = this.#core.lastIndex - this.#core.commitIndex;
    if (inFlight === 0) return false;
    const waiting = this.#proposals.queuedBytes + this.#sequencer.bytes;
    return inFlight >= LIMITS.entriesInFlightMax || waiting < LIMITS.worthAnEntryBytes;
  }

  /** Leader: turns what waits into entries. */
  #appendEntries(): void {
    if (this.#gathers()) return;
    while (this.#core.role === 'leader' && !this.#pipelineFull()) {
      const content = this.#sequencer.peek();
      if (content === null) return;
      const entry = this.#core.propose('batch', content.bytes, (index, term) =>
        this.#parts.maker.make({ index, term, kind: 'batch', runs: content.runs }, content.chunks),
      );
      if (entry === null) return;
      this.#sequencer.drop();
      this.#replication.appended(entry.index);
    }
  }

  /** Leader: an entry that is only its kind, and its time. Its index; 0 when it cannot be appended. */
  #proposeEmpty(kind: 'tick' | 'checkpoint'): number {
    if (this.#core.role !== 'leader') return 0;
    const entry = this.#core.propose(kind, 1, (index, term) =>
      this.#parts.maker.make({ index, term, kind, runs: [] }, []),
    );
    this.#schedule();
    return entry?.index ?? 0;
  }

  /** Leases are judged by the clock at this moment, so it is read for each use of one. */
  #tellTime(): void {
    if (this.#parts.settings.leaseReads) this.#core.advance(this.#clock.monotonic());
  }

  #carryOut(): void {
    this.#tellTime();
    for (let ready = this.#core.takeReady(); ready !== null; ready = this.#core.takeReady()) {
      if (ready.fault !== '') throw lostLog(ready.fault, this.#parts.settings.nodeId);
      if (ready.change !== null) this.#roleChanged(ready.change);
      for (const message of ready.messages) this.#links.send(message);
      this.#makeDurable(ready);
      for (const { id, index } of ready.reads) {
        this.#reads.answered(id, index, this.machine.appliedIndex);
      }
      for (const peer of ready.sendSnapshotTo) void this.#parts.snapshots.sendTo(peer);
      if (ready.snapshot !== null) this.#install(ready);
    }
  }

  #makeDurable(ready: Ready<LoggedRecord>): void {
    const { hardState, entries, afterDurable, token, admitted } = ready;
    const nothing = hardState === null && entries.length === 0 && afterDurable.length === 0;
    if (nothing && !admitted) return;
    const records = entries.map(({ index, kind, body }) => {
      return { index, bytes: body.bytes, endsSegment: kind === 'checkpoint' };
    });
    for (const entry of entries) this.#parts.maker.noteTime(entry.body.record.time);
    this.#durable.submit(hardState, records, () => {
      // A life that is over says nothing any more: its directory may be another member's by now.
      if (this.#timers.length === 0) return;
      for (const message of afterDurable) this.#links.send(message);
      if (token !== 0) this.#core.appended(token);
      if (admitted) this.#parts.storage.saveAdmitted().catch(this.#parts.fatal);
      this.#goOn();
    });
  }

  #install(ready: Ready<LoggedRecord>): void {
    const meta = ready.snapshot!;
    this.#installing = true;
    this.#durable.submit(null, [], () => {
      this.#parts.snapshots.install(meta).then(
        () => {
          const { origin, incarnation } = this.#parts.settings;
          this.#installing = false;
          this.#core.snapshotInstalled(meta);
          // Perhaps no entry follows that would wake who waits for this index.
          this.#reads.applied(this.machine.appliedIndex);
          this.#proposals.skipTo(this.machine.lastSeq(origin, incarnation));
          if (this.#integrity.quarantined) this.#integrity.rebuilt(meta.index);
          this.#schedule();
        },
        (error) => this.#parts.fatal(error),
      );
    });
  }

  /** A received snapshot is loaded beside the state: is it wanted? */
  #offer(from: string, term: number, meta: SnapshotMeta): void {
    if (!this.#core.quarantined) {
      this.#core.step({ type: 'snapshot', from, to: this.#parts.settings.nodeId, term, meta });
    } else if (!this.#installing && this.#core.rebuildFrom(meta) === 'kept') {
      this.#rebuild(meta);
    }
    this.#schedule();
  }

  /** The log stays, the data is another member's, and the entries since then are applied again. */
  #rebuild(meta: SnapshotMeta): void {
    const before = this.machine.appliedIndex;
    this.#installing = true;
    this.#durable.submit(null, [], () => {
      this.#parts.snapshots.rebuild(meta).then(
        () => {
          this.#installing = false;
          this.#core.rebuilt(meta);
          this.#applier.repeatTo(before);
          this.#integrity.rebuilt(Math.max(before, meta.index));
          this.#schedule();
        },
        (error) => this.#parts.fatal(error),
      );
    });
  }

  /** Nobody is answered from this state any more. */
  #quarantined(): void {
    this.#proposals.failAll();
    this.#reads.failAll(QUARANTINED);
    this.#schedule();
  }

  /** The state is right again. What it says of this node's own writes decides how they go on. */
  #restored(): void {
    const { nodeId, origin, incarnation } = this.#parts.settings;
    const lastSeq = this.machine.lastSeq(origin, incarnation);
    if (lastSeq + 1 < this.#proposals.firstUnapplied) throw lostWrites(nodeId);
    this.#proposals.skipTo(lastSeq);
    this.#resend(0);
  }

  #apply(): void {
    // Data in quarantine is replaced, not continued.
    if (this.#installing || this.#core.quarantined) return;
    const before = this.machine.appliedIndex;
    if (!this.#applier.run()) this.#schedule();
    const applied = this.machine.appliedIndex;
    if (this.#integrity.applied(applied)) this.#restored();
    if (applied === before) return;
    this.#replication.applied(applied);
    this.#reads.applied(applied);
    if (this.#core.role === 'leader') this.#pacemaker.expect(this.machine.keyspace.nextDeadline());
    this.#parts.snapshots.maybeTake();
    this.#schedule();
  }

  #roleChanged(change: RoleChange): void {
    const { logger, settings } = this.#parts;
    this.#replication.forget();
    logRole(logger, change, settings.nodeId, this.#core.votesGranted);
    if (change.role === 'candidate') this.#elections++;
    if (change.leader !== '') this.#leaderSeenAt = this.#clock.monotonic();
    if (change.role === 'leader') {
      const tail = this.#core.tailFrom(this.machine.appliedIndex + 1);
      this.#sequencer.begin(
        (node, incarnation) => this.machine.lastSeq(node, incarnation),
        tail.map((entry) => entry.body.record),
      );
      this.#pacemaker.expect(this.machine.keyspace.nextDeadline());
    } else {
      this.#pacemaker.stop();
    }
    this.#resend(0);
  }

  #tick(): void {
    if (this.#core.leader !== '') this.#leaderSeenAt = this.#clock.monotonic();
    this.#tellTime();
    // A leader that was removed still finds out that it has no majority any more.
    const rests = this.#members.gone && this.#core.role !== 'leader';
    if (!rests && !this.#members.gathering()) this.#core.tick();
    this.#disk.tick();
    this.#schedule();
  }

  #poll(): void {
    const now = this.#clock.monotonic();
    const before = now - this.requestTimeoutMs;
    this.#reads.poll(now, before);
    this.#proposals.expire(before);
    if (this.#proposals.bytes > 0 && now - this.#resentAt > LIMITS.resendMs) this.#resend(0);
    this.#parts.snapshots.maybeTake();
    if (this.#members.poll()) this.#proposals.failAll();
    this.#integrity.poll();
    this.#parts.administration.poll();
    this.#schedule();
  }
}
