// Owns: what this turn has produced for the driver and takeReady has not collected yet.

import type { Message } from './messages.js';
import type { ReadState, SnapshotMeta } from './types.js';

export class Outbox<B> {
  messages: Message<B>[] = [];
  afterDurable: Message<B>[] = [];
  reads: ReadState[] = [];
  sendSnapshotTo: string[] = [];
  snapshot: SnapshotMeta | null = null;

  get empty(): boolean {
    return (
      this.messages.length === 0 &&
      this.afterDurable.length === 0 &&
      this.reads.length === 0 &&
      this.sendSnapshotTo.length === 0 &&
      this.snapshot === null
    );
  }
}
