// Owns: what the driver is told once a turn. Collects the outbox, gives out the turn's write token,
// and remembers what was last reported so that only changes are reported.

import { startReadRound } from './leader-reads.js';
import { Outbox } from './outbox.js';
import { replicate } from './replication.js';
import type { RaftState } from './state.js';
import type { Admission, Entry, HardState, Ready, Role, RoleChange } from './types.js';

/** Ticks a forwarded read waits for its answer, in election timeouts. */
const FORWARD_PATIENCE = 1;

/** What one turn reports besides the outbox. */
type Turn<B> = Pick<
  Ready<B>,
  'hardState' | 'entries' | 'token' | 'change' | 'admitted' | 'commitIndex'
>;

export class Reporter<B> {
  readonly #state: RaftState<B>;
  #role: Role = 'follower';
  #term: number;
  #leader = '';
  #commitIndex: number;
  #fault = '';
  /** What was booted shows already that this node is a full member; reported once. */
  #admittedAtStart: boolean;

  constructor(state: RaftState<B>, admission: Admission) {
    this.#state = state;
    this.#admittedAtStart = admission !== state.admission;
    this.#term = state.term;
    this.#commitIndex = state.applicableIndex;
  }

  /** Null when there is nothing to do. */
  take(): Ready<B> | null {
    const state = this.#state;
    if (state.fault !== '') return this.#takeFault();
    if (state.role === 'leader') {
      replicate(state);
      startReadRound(state);
    } else if (state.forwardedReads.collecting) {
      forwardReads(state);
    }
    const hardState = this.#hardState();
    const entries = this.#entries();
    const change = this.#change();
    const admitted = state.checkAdmission() || this.#admittedAtStart;
    const commitIndex = state.applicableIndex;
    const persists = hardState !== null || entries.length > 0;
    if (
      !persists &&
      !admitted &&
      change === null &&
      commitIndex <= this.#commitIndex &&
      state.outbox.empty
    ) {
      return null;
    }
    const { lastIndex } = state.log;
    const token = persists ? state.durability.handOver(state.term, state.vote, lastIndex) : 0;
    this.#admittedAtStart = false;
    return this.#report({ hardState, entries, token, change, admitted, commitIndex });
  }

  #report(turn: Turn<B>): Ready<B> {
    const { outbox } = this.#state;
    this.#state.outbox = new Outbox();
    if (turn.commitIndex > this.#commitIndex) this.#commitIndex = turn.commitIndex;
    return {
      messages: outbox.messages,
      hardState: turn.hardState,
      entries: turn.entries,
      snapshot: outbox.snapshot,
      afterDurable: outbox.afterDurable,
      token: turn.token,
      commitIndex: this.#commitIndex,
      reads: outbox.reads,
      change: turn.change,
      admitted: turn.admitted,
      sendSnapshotTo: outbox.sendSnapshotTo,
      fault: this.#fault,
    };
  }

  /** A node at fault says nothing to anyone but its driver, once. */
  #takeFault(): Ready<B> | null {
    if (this.#fault !== '') return null;
    this.#fault = this.#state.fault;
    const { reads } = this.#state.outbox;
    this.#state.outbox = new Outbox();
    this.#state.outbox.reads = reads;
    return this.#report({
      hardState: null,
      entries: [],
      token: 0,
      change: null,
      admitted: false,
      commitIndex: this.#commitIndex,
    });
  }

  #hardState(): HardState | null {
    const { term, vote, durability } = this.#state;
    return durability.isHanded(term, vote) ? null : { term, vote };
  }

  #entries(): readonly Entry<B>[] {
    const { log, durability } = this.#state;
    const from = durability.handedIndex + 1;
    return from > log.lastIndex ? [] : log.slice(from, log.lastIndex);
  }

  #change(): RoleChange | null {
    const { role, term, leader } = this.#state;
    if (role === this.#role && term === this.#term && leader === this.#leader) return null;
    this.#role = role;
    this.#term = term;
    this.#leader = leader;
    return { role, term, leader };
  }
}

function forwardReads<B>(state: RaftState<B>): void {
  const deadline = state.now + FORWARD_PATIENCE * state.config.electionTicks;
  const id = state.forwardedReads.forward(deadline);
  state.send({ type: 'readIndex', from: state.id, to: state.leader, term: state.term, id });
}
