// Owns: the face of the core to its driver: one member of one Raft group as a pure state machine. A
// turn is: any number of calls, then takeReady until null, then what Ready asks. No I/O, clock or
// promise in here; the only randomness is the Rng passed in. Not re-entrant. Handlers: follower.ts,
// election.ts, leader.ts.

import { assert } from '../base/assert.js';
import type { Rng } from '../base/rng.js';
import { campaign, candidateDurable } from './election.js';
import { accept } from './follower.js';
import { checkHandlers, dispatch } from './handlers.js';
import { transferLeadership } from './handover.js';
import { appendMembership, leaderDurable, leaderTick, propose } from './leader.js';
import { leaseMsLeft } from './leader-reads.js';
import { isJoint, membershipOf, sameMembership, stepTowards } from './membership.js';
import type { Message } from './messages.js';
import { Reporter } from './ready.js';
import { resign } from './resign.js';
import { becomeFollower, forgetLeader, hurryElectionTimer, restartElectionTimer } from './roles.js';
import { RaftState } from './state.js';
import { statusOf } from './status.js';
import type {
  Admission,
  BodyFactory,
  BootState,
  BulkProgress,
  Entry,
  Membership,
  MembershipRefusal,
  ProposalKind,
  RaftConfig,
  RaftStatus,
  Ready,
  Role,
  Roster,
  SnapshotMeta,
} from './types.js';

/** A link to the leader that closed shortens the election timeout to this part of it, at most. */
const HURRIED_PART = 1 / 4;

export class RaftCore<B> {
  readonly #state: RaftState<B>;
  readonly #reporter: Reporter<B>;

  constructor(config: RaftConfig, boot: BootState<B>, rng: Rng, bodyOf: BodyFactory<B>) {
    checkHandlers();
    assert(config.electionTicks > config.heartbeatTicks, 'election timeout within a heartbeat');
    assert(config.heartbeatTicks > 0 && config.inflightMessagesMax > 0, 'limits below one');
    const state = new RaftState(config, boot, rng, bodyOf);
    assert(state.term >= state.log.lastTerm, 'entries of a term that was never made durable');
    restartElectionTimer(state);
    this.#state = state;
    this.#reporter = new Reporter(state, boot.admission);
  }

  get id(): string {
    return this.#state.id;
  }

  get role(): Role {
    return this.#state.role;
  }

  get term(): number {
    return this.#state.term;
  }

  /** Empty when unknown. */
  get leader(): string {
    return this.#state.leader;
  }

  get commitIndex(): number {
    return this.#state.commitIndex;
  }

  get appliedIndex(): number {
    return this.#state.appliedIndex;
  }

  get lastIndex(): number {
    return this.#state.log.lastIndex;
  }

  get lastTerm(): number {
    return this.#state.log.lastTerm;
  }

  get membership(): Membership {
    return this.#state.membership;
  }

  /** The newest membership that is known to be committed. */
  get committedMembership(): Membership {
    const { memberships, commitIndex } = this.#state;
    return memberships.at(commitIndex);
  }

  /** Whether this very entry is committed; an index that is compacted is. */
  isCommitted(index: number, term: number): boolean {
    const { log, commitIndex } = this.#state;
    const known = log.termAt(index);
    return index <= commitIndex && (known === term || known < 0);
  }

  /**
   * This node leads, and no earlier leader's change of the membership can come or go any more: the
   * one in force is committed and final, as is an entry of this term.
   */
  get membershipSettled(): boolean {
    const { role, memberships, commitIndex, termStart } = this.#state;
    if (role !== 'leader' || commitIndex < termStart) return false;
    return memberships.currentIndex <= commitIndex && !isJoint(memberships.current);
  }

  get admission(): Admission {
    return this.#state.admission;
  }

  /** Votes that made this node leader last. */
  get votesGranted(): number {
    return this.#state.votesGranted;
  }

  /** Empty, or why this node takes no part any more; see Ready.fault. */
  get fault(): string {
    return this.#state.fault;
  }

  /**
   * A linearizable read may run at once: this node leads, nobody else can (it is the only voter, or
   * its lease holds at the time of the last `advance`), and it has applied all that is committed,
   * which includes everything acknowledged before once an entry of its own term is committed.
   */
  get canReadNow(): boolean {
    const state = this.#state;
    return (
      state.role === 'leader' &&
      state.commitIndex >= state.termStart &&
      state.appliedIndex === state.commitIndex &&
      (state.soleVoter || leaseMsLeft(state) > 0)
    );
  }

  /** See quarantine(). */
  get quarantined(): boolean {
    return this.#state.quarantined;
  }

  /**
   * What time it is: monotonic ms. Only leases ask for it (RaftConfig.lease): told before messages
   * are stepped that have arrived, before each tick, and after reads were asked for, before they
   * are answered.
   */
  advance(now: number): void {
    this.#state.lease.advance(now);
  }

  /** Takes a message from a peer. Never throws for what a peer can send. */
  step(message: Message<B>): void {
    if (this.#state.fault === '') dispatch(this.#state, message);
  }

  tick(): void {
    const state = this.#state;
    if (state.fault !== '') return;
    state.now++;
    this.#expireForwards();
    if (state.role === 'leader') {
      leaderTick(state);
      return;
    }
    state.electionElapsed++;
    if (state.electionElapsed < state.electionTimeout) return;
    // While its own vote is on the way to a slow disk, a new campaign would only begin that anew.
    if (state.role === 'candidate' && !state.votes.has(state.id)) return;
    if (state.promotable) {
      campaign(state);
    } else {
      forgetLeader(state);
      restartElectionTimer(state);
    }
  }

  /**
   * Leader only: appends an entry; returns it, or null when not leader, beyond the uncommitted
   * limit, or while leadership is handed over. `bodyOf` is called once, with the index and term
   * given.
   */
  propose(
    kind: ProposalKind,
    size: number,
    bodyOf: (index: number, term: number) => B,
  ): Entry<B> | null {
    return this.#state.fault === '' ? propose(this.#state, kind, size, bodyOf) : null;
  }

  /**
   * Leader only: moves to these voters and learners, through joint consensus when more than one
   * voter changes (the joint state is then left by itself). `roster` tells who they are, and who is
   * leaving; by default as now. Returns the first entry of the change, or why nothing was appended.
   */
  proposeMembership(
    voters: readonly string[],
    learners: readonly string[],
    roster: Roster = this.#state.membership.roster,
  ): Entry<B> | MembershipRefusal {
    const state = this.#state;
    const current = state.membership;
    const target = membershipOf(voters, learners, roster);
    if (state.role !== 'leader' || state.fault !== '') return 'not leader';
    if (state.transferee !== '') return 'leadership is being transferred';
    if (isJoint(current) || state.memberships.currentIndex > state.commitIndex) {
      return 'another change is in progress';
    }
    if (state.commitIndex < state.termStart) return 'leader has not committed in its term yet';
    if (target.voters.length === 0) return 'no voters would remain';
    if (sameMembership(current, target)) return 'nothing to change';
    return appendMembership(state, stepTowards(current, target));
  }

  /** The answer arrives in Ready.reads; index -1: refused, ask again with a new id. */
  readIndex(id: number): void {
    const state = this.#state;
    let taken = false;
    if (state.fault === '') {
      if (state.quarantined) taken = false;
      else if (state.role === 'leader') taken = state.leaderReads.add({ from: state.id, id });
      else if (state.leader !== '') taken = state.forwardedReads.add(id);
    }
    if (!taken) state.answerRead(id, -1);
  }

  /**
   * The Ready with this token is durable, and all before it. Tokens complete in order; lower ones
   * are ignored.
   */
  appended(token: number): void {
    const state = this.#state;
    state.durability.complete(token);
    if (state.fault !== '') return;
    if (state.role === 'leader') leaderDurable(state);
    else if (state.role === 'candidate') candidateDurable(state);
  }

  /** The machine has applied everything up to `index`. */
  applied(index: number): void {
    const state = this.#state;
    assert(index <= state.applicableIndex, `applied ${index} beyond ${state.applicableIndex}`);
    if (index > state.appliedIndex) state.appliedIndex = index;
  }

  /** Ready.snapshot is durable and loaded. */
  snapshotInstalled(meta: SnapshotMeta): void {
    const state = this.#state;
    assert(state.pendingSnapshot?.index === meta.index, `snapshot ${meta.index} not asked for`);
    state.pendingSnapshot = null;
    state.quarantined = false;
    state.durability.snapshotInstalled(meta.index);
    state.appliedIndex = meta.index;
    state.snapshotIndex = meta.index;
    if (state.role === 'follower' && state.leader !== '') accept(state, meta.index);
  }

  /**
   * The machine's data is not what the log says: from now on this node neither leads nor votes nor
   * acknowledges. Term, vote and log stay as they are, and are still good.
   */
  quarantine(): void {
    const state = this.#state;
    if (state.role !== 'follower') becomeFollower(state, state.term, '');
    state.quarantined = true;
  }

  /**
   * A snapshot of another member is here to replace the data of this node in quarantine. kept: the
   * log reaches over it; make it this node's own, apply again from there, and call rebuilt(meta).
   * reset: it replaces the log too; it is asked for in Ready.snapshot as any received one.
   * tooOld: what follows it in the log is not there any more; get a newer one.
   */
  rebuildFrom(meta: SnapshotMeta): 'kept' | 'reset' | 'tooOld' {
    const state = this.#state;
    assert(state.quarantined, 'only data in quarantine is rebuilt');
    if (state.pendingSnapshot !== null || meta.index < state.snapshotIndex) return 'tooOld';
    if (state.log.termAt(meta.index) === meta.term) return 'kept';
    if (meta.index <= state.commitIndex) return 'tooOld';
    state.beginSnapshot(meta);
    return 'reset';
  }

  /** The machine stands where the snapshot does, which is durable here: the quarantine is over. */
  rebuilt(meta: SnapshotMeta): void {
    const state = this.#state;
    assert(state.quarantined && state.log.termAt(meta.index) === meta.term, 'rebuilt in the log');
    state.quarantined = false;
    state.commitTo(meta.index);
    state.appliedIndex = meta.index;
    state.snapshotIndex = meta.index;
  }

  /**
   * A snapshot at meta.index (applied) is durable here: entries before `keepFrom` are forgotten, by
   * default all that the snapshot holds. Keep some for followers that are a little behind.
   */
  compact(meta: SnapshotMeta, keepFrom: number = meta.index + 1): void {
    const state = this.#state;
    assert(meta.index <= state.appliedIndex, `snapshot at ${meta.index} not applied`);
    if (meta.index > state.snapshotIndex) state.snapshotIndex = meta.index;
    const base = Math.min(meta.index, keepFrom - 1);
    state.log.compactTo(base);
    state.memberships.compactTo(base);
  }

  /**
   * Leader: how far the peer is that Ready.sendSnapshotTo named, for a driver that brings it on
   * with older entries of its own instead, as appends up to and including `base`, the last entry
   * that is not in memory any more. Null once it is not asked for: the peer has reached the log,
   * or this node leads no more.
   */
  bulkProgress(to: string): BulkProgress | null {
    const { role, progress, log, commitIndex, term } = this.#state;
    const peer = progress.get(to);
    if (role !== 'leader' || peer?.state !== 'snapshot') return null;
    const { match, hint, refusals } = peer;
    return { term, match, hint: Math.max(match, hint), refusals, base: log.baseIndex, commitIndex };
  }

  /** The stream to a peer in Ready.sendSnapshotTo ended. */
  snapshotSent(to: string, ok: boolean): void {
    const peer = this.#state.progress.get(to);
    if (peer === undefined || peer.state !== 'snapshot') return;
    if (!ok) peer.snapshotIndex = 0;
    peer.probe();
    // Asked again once it answers a heartbeat: it needs time to install, or was not reachable.
    peer.paused = true;
  }

  /** A message to this peer was lost. */
  unreachable(peer: string): void {
    const progress = this.#state.progress.get(peer);
    if (progress?.state === 'replicate') progress.probe();
  }

  /**
   * The link to this peer closed. Was it the leader, it is replaced soon, not after a whole
   * election timeout.
   */
  linkDown(peer: string): void {
    const state = this.#state;
    state.linksDown.add(peer);
    if (state.role === 'leader') {
      this.unreachable(peer);
    } else if (state.role === 'follower' && state.leader === peer) {
      forgetLeader(state);
      hurryElectionTimer(state, state.config.electionTicks * HURRIED_PART);
    }
  }

  /**
   * Leader only. `to` null: the most caught-up voter. False when there is nobody, or not leader.
   */
  transferLeadership(to: string | null): boolean {
    const state = this.#state;
    return state.role === 'leader' && state.fault === '' && transferLeadership(state, to);
  }

  /**
   * While the disk hangs, nothing this node promises can be kept: it does not campaign. The driver
   * says when; a leader it makes resign besides.
   */
  set stalled(stalled: boolean) {
    this.#state.stalled = stalled;
  }

  /** Leader only: steps down at once and names a successor; false when there is nobody else. */
  resign(): boolean {
    return this.#state.fault === '' && resign(this.#state);
  }

  /** Stands for election now, as after a timeout. */
  campaign(): void {
    if (this.#state.fault === '') campaign(this.#state);
  }

  /** What this turn asks of the driver; null when there is nothing. */
  takeReady(): Ready<B> | null {
    return this.#reporter.take();
  }

  /**
   * Entries to apply from `index` on, at most `maxBytes` but at least one; empty when none is
   * committed and here.
   */
  entriesFrom(index: number, maxBytes: number): readonly Entry<B>[] {
    const { log, applicableIndex } = this.#state;
    if (index > applicableIndex || index <= log.baseIndex) return [];
    return log.slice(index, log.lastWithin(index, applicableIndex, maxBytes));
  }

  /** Every entry of the log from `index` on, committed or not. */
  tailFrom(index: number): readonly Entry<B>[] {
    const { log } = this.#state;
    return log.slice(Math.max(index, log.baseIndex + 1), log.lastIndex);
  }

  /** What a snapshot of the machine at `index` (applied, not compacted) has to carry. */
  snapshotMeta(index: number): SnapshotMeta {
    const { log, memberships } = this.#state;
    const term = log.termAt(index);
    assert(term >= 0, `no term known for ${index}`);
    return { index, term, membership: memberships.at(index) };
  }

  status(): RaftStatus {
    return statusOf(this.#state);
  }

  #expireForwards(): void {
    const state = this.#state;
    let reads = state.forwardedReads.takeExpired(state.now);
    while (reads !== null) {
      for (const id of reads) state.answerRead(id, -1);
      reads = state.forwardedReads.takeExpired(state.now);
    }
  }
}
