// Owns: the state of one member, shared by the handlers of all roles, and the few steps every role
// takes with it. role, term, vote and leader are written by roles.ts alone; the log and what hangs
// on it only through here.

import type { Rng } from '../base/rng.js';
import { Durability } from './durability.js';
import { RaftLog } from './log.js';
import { isVoter, MembershipHistory } from './membership.js';
import type { Append, Message } from './messages.js';
import { Outbox } from './outbox.js';
import type { Progress } from './progress.js';
import { ForwardedReads, LeaderReads } from './read-index.js';
import { ReadLease } from './read-lease.js';
import { uuidOf } from './roster.js';
import type {
  Admission,
  BodyFactory,
  BootState,
  Entry,
  Membership,
  RaftConfig,
  Role,
  Roster,
  SnapshotMeta,
} from './types.js';

/** Asker's ids of read requests begin somewhere below this; see ForwardedReads. */
const FIRST_READ_ID_BOUND = 2 ** 48;

export class RaftState<B> {
  readonly id: string;
  readonly config: RaftConfig;
  readonly rng: Rng;
  readonly bodyOf: BodyFactory<B>;
  readonly log: RaftLog<B>;
  readonly memberships: MembershipHistory;
  readonly durability: Durability;
  readonly firstRoster: (initial: Membership) => Roster;

  /** Whether this node may vote; only ever goes to `admitted`, by checkAdmission(). */
  admission: Admission;
  role: Role = 'follower';
  term: number;
  vote: string;
  leader = '';
  commitIndex: number;
  appliedIndex: number;
  /** The newest durable snapshot of this node. */
  snapshotIndex: number;
  /** A received snapshot that the driver is installing; the log already begins after it. */
  pendingSnapshot: SnapshotMeta | null = null;
  fault = '';
  /**
   * The machine's data is not to be trusted: this node listens for the leader and says nothing,
   * until a snapshot of another member has taken the data's place.
   */
  quarantined = false;

  /** Ticks since the start of this core. */
  now = 0;
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout = 0;
  /** The election timeout was cut short because the link to the leader closed. */
  hurried = false;
  /** The driver says that the disk hangs: this node stands for nothing until it goes on. */
  stalled = false;
  /** Peers whose link is known to be closed. */
  readonly linksDown = new Set<string>();

  /** Candidates: the answers so far. */
  readonly votes = new Map<string, boolean>();
  /** Votes that made this node leader last; for the log line of the driver. */
  votesGranted = 0;
  /** Candidate: campaigning because the old leader said so. */
  transferCampaign = false;

  /** Leader: everyone in the membership, itself included; empty in other roles. */
  readonly progress = new Map<string, Progress>();
  /** Leader: everyone else, sorted by id. */
  peers: Progress[] = [];
  /** Leader: who counts in the two halves of the membership. */
  voters: Progress[] = [];
  outgoing: Progress[] = [];
  /** Leader: index of the noop that opened its term. */
  termStart = 0;
  /** Leader: whom it hands leadership to, and the tick at which it gives that up. */
  transferee = '';
  transferDeadline = 0;
  leaderReads = new LeaderReads();
  readonly lease: ReadLease;
  readonly forwardedReads: ForwardedReads;

  outbox = new Outbox<B>();

  constructor(config: RaftConfig, boot: BootState<B>, rng: Rng, bodyOf: BodyFactory<B>) {
    this.id = config.id;
    this.config = config;
    this.rng = rng;
    this.bodyOf = bodyOf;
    this.log = new RaftLog(boot.snapshot.index, boot.snapshot.term);
    this.memberships = new MembershipHistory(boot.snapshot);
    this.firstRoster = boot.firstRoster;
    this.admission = boot.admission;
    for (const entry of boot.entries) {
      this.log.append(entry);
      if (entry.membership !== null) this.memberships.append(entry.index, entry.membership);
    }
    this.durability = new Durability(boot.hardState, this.log.lastIndex);
    this.term = boot.hardState.term;
    this.vote = boot.hardState.vote;
    this.commitIndex = boot.snapshot.index;
    this.appliedIndex = boot.snapshot.index;
    this.snapshotIndex = boot.snapshot.index;
    this.lease = new ReadLease(config.lease ?? null);
    this.forwardedReads = new ForwardedReads(rng.below(FIRST_READ_ID_BOUND));
    this.checkAdmission();
  }

  get membership(): Membership {
    return this.memberships.current;
  }

  /**
   * May this node stand for election? Not as learner or outsider, not while a snapshot is being
   * installed or the disk hangs. But a node whose removal or demotion is not known to be committed
   * may (thesis 4.2.2): it can be the only one whose log lets it win, and it retires once the
   * membership without it is committed.
   */
  get promotable(): boolean {
    if (this.pendingSnapshot !== null || this.quarantined || this.stalled) return false;
    if (!this.mayVoteFor(this.log.lastIndex, '')) return false;
    const { current, currentIndex } = this.memberships;
    if (isVoter(current, this.id)) return true;
    if (currentIndex <= this.commitIndex) return false;
    return isVoter(this.memberships.at(currentIndex - 1), this.id);
  }

  /**
   * May this node's vote count for a log that ends at `lastIndex` and knows this node by `uuid`?
   * One that may have forgotten what it acknowledged must not help a log to win that lacks it. An
   * empty log can win only where most logs are empty. A log that has this node's present UUID in it
   * comes from a leader that had seen it: whatever a directory before it acknowledged is in that
   * log, and whatever this one did is still here.
   */
  mayVoteFor(lastIndex: number, uuid: string): boolean {
    if (this.admission === 'admitted' || (uuid !== '' && uuid === this.config.uuid)) return true;
    return this.admission === 'new' && lastIndex === 0;
  }

  /**
   * True when this node has just become a full member: a committed membership knows its UUID. By
   * then its log holds everything that any earlier directory under its id acknowledged. The first
   * entry of all may be uncommitted: its leader was elected by logs that were empty, so nothing was
   * acknowledged before it.
   */
  checkAdmission(): boolean {
    // What a snapshot brings is this node's only once it is durable.
    if (this.admission === 'admitted' || this.pendingSnapshot !== null) return false;
    const committed = this.memberships.at(this.commitIndex);
    const first = this.log.baseIndex === 0 && this.log.lastIndex > 0 ? this.log.entryAt(1) : null;
    const known = [committed, first?.membership ?? committed];
    if (!known.some(({ roster }) => uuidOf(roster, this.id) === this.config.uuid)) return false;
    this.admission = 'admitted';
    return true;
  }

  /** The only voter there is: it needs nobody's answer. */
  get soleVoter(): boolean {
    const { voters, outgoing } = this.membership;
    return voters.length === 1 && outgoing.length === 0 && voters[0] === this.id;
  }

  /**
   * Heard from a leader within an election timeout: such a node supports nobody else (thesis 4.2.3,
   * 6.4.1). A promise for the leader's lease holds also when the term or the link is over.
   */
  get hasRecentLeader(): boolean {
    if (this.lease.promised) return true;
    return this.leader !== '' && this.electionElapsed < this.config.electionTicks;
  }

  /** Committed and durable here: what may be applied. */
  get applicableIndex(): number {
    return Math.min(this.commitIndex, this.durability.index);
  }

  send(message: Message<B>): void {
    this.outbox.messages.push(message);
  }

  /** For what may leave only after everything of this turn is durable, whatever it was. */
  sendAfterDurable(message: Message<B>): void {
    this.outbox.afterDurable.push(message);
  }

  /**
   * For an answer that rests on term, vote and the log up to `index`: at once when those are
   * durable already.
   */
  reply(message: Message<B>, index: number): void {
    const durable =
      index <= this.durability.index && this.durability.isDurable(this.term, this.vote);
    (durable ? this.outbox.messages : this.outbox.afterDurable).push(message);
  }

  answerRead(id: number, index: number): void {
    this.outbox.reads.push({ id, index });
  }

  appendEntry(entry: Entry<B>): void {
    this.log.append(entry);
    if (entry.membership !== null) this.memberships.append(entry.index, entry.membership);
  }

  /**
   * Takes the entries from position `at` of an append whose earlier ones match; replaces what
   * conflicts.
   */
  appendFrom(message: Append<B>, at: number): void {
    const entries = message.entries;
    if (at >= entries.length) return;
    const first = entries[at]!.index;
    if (first <= this.log.lastIndex) {
      this.log.truncateFrom(first);
      this.durability.truncateFrom(first);
      this.memberships.truncateFrom(first);
    }
    for (let i = at; i < entries.length; i++) this.appendEntry(entries[i]!);
  }

  /** Follower: `index` is known to be in the log and committed. */
  commitTo(index: number): void {
    if (index > this.commitIndex) this.commitIndex = index;
  }

  /** The log gives way to a snapshot the driver is now asked to install. */
  beginSnapshot(meta: SnapshotMeta): void {
    this.log.resetTo(meta.index, meta.term);
    this.durability.resetTo(meta.index);
    this.memberships.resetTo(meta);
    this.commitIndex = meta.index;
    this.pendingSnapshot = meta;
    this.outbox.snapshot = meta;
  }

  /**
   * This node broke a promise it made (lost or changed log): it stops taking part, and the driver
   * must act.
   */
  fail(fault: string): void {
    if (this.fault === '') this.fault = fault;
  }
}
