// Owns: what the state of the disks means for the group (research/raft.md N1, E4). A flush that does
// not end within an election timeout, or a write that waits for room, makes this node stalled: it
// does not campaign, and as a leader it gives way. A disk that is full here, at the leader, or at
// so many voters that the rest is no majority, makes every node refuse the writes that need room.
// Counts ticks, not time: a process that was itself stopped finds one tick gone by, not a stall.

import type { LoggedRecord } from '../base/log-entry.js';
import type { Logger } from '../observe/logger.js';
import type { DiskState } from '../peer/disk-codec.js';
import type { RaftCore } from '../raft/core.js';
import type { DiskStatus } from './group.js';

export interface DiskMonitorParts {
  readonly core: RaftCore<LoggedRecord>;
  /** Of this node's disk. */
  readonly space: { readonly full: boolean; readonly blocked: boolean };
  /** Changes with every flush that ends; null while none is under way. */
  readonly flush: () => number | null;
  /** Ticks a flush may take. */
  readonly stallTicks: number;
  readonly isUp: (id: string) => boolean;
  readonly tellPeer: (to: string, state: DiskState) => void;
  readonly logger: Logger;
}

export class DiskMonitor {
  readonly #parts: DiskMonitorParts;
  /** What other members said last. */
  readonly #peers = new Map<string, DiskState>();
  #own: DiskState = { full: false, stalled: false };
  #flush: number | null = null;
  #flushTicks = 0;
  #groupFull = false;
  /** Times this node was stalled. */
  stalls = 0;

  constructor(parts: DiskMonitorParts) {
    this.#parts = parts;
  }

  /** Writes that need room are to be refused at this node. */
  get groupFull(): boolean {
    return this.#groupFull;
  }

  /** For INFO and metrics; `freeBytes` of this node's disk. */
  status(freeBytes: number): DiskStatus {
    return { ...this.#own, freeBytes, stalls: this.stalls, refusing: this.groupFull };
  }

  get own(): DiskState {
    return this.#own;
  }

  tick(): void {
    const { space, core } = this.#parts;
    const stalled = space.blocked || this.#flushHangs();
    const { full } = space;
    if (full !== this.#own.full || stalled !== this.#own.stalled) this.#changed({ full, stalled });
    if (stalled && core.role === 'leader' && this.#canDoWithout() && core.resign()) {
      this.#parts.logger.warn('Leadership given up: the disk does not take the log');
    }
    this.#judge();
  }

  onPeer(from: string, state: DiskState): void {
    this.#peers.set(from, state);
    this.#judge();
  }

  onLinkUp(to: string): void {
    this.#parts.tellPeer(to, this.#own);
  }

  /** What it said is not known to be true any more. */
  onLinkDown(from: string): void {
    this.#peers.delete(from);
  }

  #flushHangs(): boolean {
    const flush = this.#parts.flush();
    if (flush === null || flush !== this.#flush) {
      this.#flush = flush;
      this.#flushTicks = 0;
    } else {
      this.#flushTicks++;
    }
    return this.#flushTicks >= this.#parts.stallTicks;
  }

  /** Others that can be reached and whose disks go on are a majority: when all hang, nobody flees. */
  #canDoWithout(): boolean {
    const { core, isUp } = this.#parts;
    const { voters } = core.membership;
    const isHealthy = (id: string): boolean =>
      id !== core.id && isUp(id) && this.#peers.get(id)?.stalled !== true;
    return voters.filter(isHealthy).length * 2 > voters.length;
  }

  #changed(own: DiskState): void {
    const { core, logger, tellPeer, space } = this.#parts;
    if (own.stalled && !this.#own.stalled) {
      this.stalls++;
      const why = space.blocked ? 'no room' : 'a flush hangs';
      logger.warn('Disk is stalled: this node promises nothing until it goes on', { why });
    } else if (this.#own.stalled && !own.stalled) {
      logger.info('Disk goes on');
    }
    this.#own = own;
    core.stalled = own.stalled;
    for (const id of this.#others()) tellPeer(id, own);
  }

  #others(): string[] {
    const { voters, outgoing, learners } = this.#parts.core.membership;
    const ids = new Set([...voters, ...outgoing, ...learners]);
    ids.delete(this.#parts.core.id);
    return [...ids];
  }

  #judge(): void {
    const { core } = this.#parts;
    if (!this.#own.full && this.#peers.size === 0) {
      this.#groupFull = false;
      return;
    }
    const { voters } = core.membership;
    let withRoom = 0;
    for (const id of voters) if (!this.#isFull(id)) withRoom++;
    const noMajority = withRoom * 2 <= voters.length;
    this.#groupFull = this.#own.full || noMajority || this.#isFull(core.leader);
  }

  #isFull(id: string): boolean {
    return id === this.#parts.core.id ? this.#own.full : (this.#peers.get(id)?.full ?? false);
  }
}
