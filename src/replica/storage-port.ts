// Owns: what the driver needs from storage while it runs. main composes it from the log store and
// the stable store.

import type { HardState } from '../raft/types.js';
import type { LatencySummary } from '../storage/latency-window.js';
import type { RecordBytes } from './durable-stream.js';

export interface GroupStorage {
  /** Resolves when durable. */
  saveHardState(state: HardState): Promise<void>;
  /** `done` when the records are as durable as the fsync policy says; completions in order. */
  appendRecords(records: readonly RecordBytes[], done: () => void): void;
  /** This node is a full member now; see BootState.admission. */
  saveAdmitted(): Promise<void>;
  fsyncLatency(): LatencySummary;
}
