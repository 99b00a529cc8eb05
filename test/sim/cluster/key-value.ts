// Owns: the simulated key-value store of one host (platform/key-value.ts): every put is durable when
// it resolves; of one that was under way in a crash either value may be there.

import type { Rng } from '../../../src/base/rng.js';
import type { KeyValue } from '../../../src/platform/key-value.js';
import { DAMAGED_LEVEL } from '../../../src/storage/level-files.js';
import type { SimDisk } from './disk.js';
import type { Actor } from './events.js';

export class SimKeyValue {
  readonly #disk: SimDisk;
  readonly #stores = new Map<string, Map<string, string>>();
  /** Puts under way. */
  #writing = new Map<string, { store: Map<string, string>; value: string }>();

  constructor(disk: SimDisk) {
    this.#disk = disk;
  }

  async open(directory: string, actor: Actor): Promise<KeyValue> {
    const store = this.#stores.get(directory) ?? new Map<string, string>();
    this.#stores.set(directory, store);
    const wait = (): Promise<void> => this.#wait(actor);
    await wait();
    return {
      get: async (key) => {
        await wait();
        return store.get(key);
      },
      put: async (key, value) => {
        if (actor.alive) this.#writing.set(key, { store, value });
        await wait();
        if (this.#disk.troubles.failSyncs > 0) {
          this.#disk.troubles.failSyncs--;
          this.#disk.faults++;
          throw new Error('simulated EIO');
        }
        store.set(key, value);
        this.#writing.delete(key);
      },
      isEmpty: async () => {
        await wait();
        return store.size === 0;
      },
      close: wait,
    };
  }

  crash(rng: Rng): void {
    for (const [key, { store, value }] of this.#writing) {
      if (rng.below(2) === 0) store.set(key, value);
    }
    this.#writing.clear();
  }

  /** Its files, which are none of the simulated disk's, are set aside into a directory just made. */
  madeDirectory(path: string): void {
    const [, directory, name] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
    if (name === DAMAGED_LEVEL && directory !== undefined) this.#stores.delete(directory);
  }

  /** What is stored is something else. */
  garble(): void {
    for (const store of this.#stores.values()) {
      for (const [key, value] of store) store.set(key, `?${value.slice(1)}`);
    }
  }

  wipe(): void {
    this.#stores.clear();
    this.#writing.clear();
  }

  #wait(actor: Actor): Promise<void> {
    return this.#disk.step(actor, 'sync');
  }
}
