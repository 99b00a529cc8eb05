// Owns: one RESP connection: who it is, what it selected, its queue of unanswered commands, its
// output. What commands may see and do of it; session.ts implements it.

import type { Reply } from '../resp/reply.js';

/** Channels, patterns and shard channels subscribed to. */
export interface SubscriptionCounts {
  readonly channels: number;
  readonly patterns: number;
  readonly shardChannels: number;
}

export interface Client {
  /** Grows by one for each connection, never reused (CLIENT ID). */
  readonly id: number;
  readonly remote: string;
  readonly local: string;
  /** ms since 1970. */
  readonly connectedAt: number;
  lastActiveAt: number;
  name: string;
  libName: string;
  libVersion: string;
  db: number;
  /** Protocol version of replies. */
  protocol: 2 | 3;
  user: string;
  authenticated: boolean;
  /** Lower-case name of the last command (`client|list`). */
  lastCommand: string;
  noEvict: boolean;
  noTouch: boolean;
  readOnlyMode: boolean;
  replyMode: 'on' | 'off' | 'skip';
  /** Is shown the commands of others (MONITOR). */
  monitoring: boolean;
  commandsProcessed: number;
  readonly inMulti: boolean;
  readonly queuedCommands: number;
  readonly watchedKeys: number;
  /** Kept by pub/sub. */
  readonly subscriptions: { -readonly [K in keyof SubscriptionCounts]: SubscriptionCounts[K] };
  /** Waits in a blocking command, or for the end of CLIENT PAUSE. */
  readonly blocked: boolean;
  /** Index of the entry that carried this connection's last write, 0 for none (WAIT). */
  readonly lastWriteIndex: number;
  /** Bytes received and not yet decoded; bytes of replies not yet taken by the kernel. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  /**
   * Answers a command that returned LATER; in its place in the order of replies. `micros` of the
   * wait count as run time in SLOWLOG and LATENCY: none for one that only waited for others.
   */
  resolve(reply: Reply, micros?: number): void;
  /** Sends what answers no command (pub/sub messages, MONITOR), at once. */
  push(reply: Reply): void;
  /**
   * Set by a command that returns LATER and can be ended early: the reply for CLIENT UNBLOCK. Reset
   * by `resolve`.
   */
  unblockWith: ((how: 'timeout' | 'error') => Reply) | null;
  /** Leaves MULTI and forgets WATCH (RESET, UNWATCH). */
  discard(): void;
  unwatch(): void;
  /**
   * CLIENT UNBLOCK: ends a blocking command as its timeout would, or with an error; false when it
   * is not in one.
   */
  unblock(how: 'timeout' | 'error'): boolean;
  /** Set by a command that ends its own connection: once it has been answered (CLIENT KILL). */
  closesAfterReply: boolean;
  /** Closes the connection after the output written so far (`soon`) or at once. */
  close(when: 'soon' | 'now'): void;
}
