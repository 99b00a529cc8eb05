// Owns: the door to LevelDB: a small ordered-by-key map whose every put is synced before it
// resolves. Real here, in memory and crash-prone in test/sim. Errors are LevelDB's own; who opens
// it says what they mean to an operator.

import { Level } from 'level';

export interface KeyValue {
  /** Undefined when there is none. */
  get(key: string): Promise<string | undefined>;
  /** Durable when it resolves. */
  put(key: string, value: string): Promise<void>;
  isEmpty(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens or makes the database in a directory of its own; rejects when another process has it. */
export type OpenKeyValue = (directory: string) => Promise<KeyValue>;

const SYNC = { sync: true };

export const openLevel: OpenKeyValue = async (directory) => {
  // Uncompressed tables can be verified before they are opened (storage/level-files.ts).
  const level = new Level<string, string>(directory, { compression: false });
  await level.open();
  return {
    get: (key) => level.get(key),
    put: (key, value) => level.put(key, value, SYNC),
    isEmpty: async () => (await level.keys({ limit: 1 }).all()).length === 0,
    close: () => level.close(),
  };
};
