// Owns: reading an RDB file in chunks, giving the event loop a turn between them, and oftener when
// a pacer says so. All chunks go through the same memory: fresh buffers lie outside of V8's heap,
// and each 64 MB of them make it mark the whole keyspace, which stops everything for tens of ms.

import type { Disk, DiskFile } from '../../platform/disk.js';
import type { Pacer } from '../../platform/pacer.js';
import { RdbError } from './format.js';
import { NEED_MORE, RdbInput } from './input.js';

/** About three thousand small keys: some milliseconds until the event loop turns again. */
const CHUNK_BYTES = 128 * 1024;
/** No window grows past this: larger single values cannot exist in a JavaScript string either. */
const WINDOW_MAX = 2 ** 30;

export class RdbSource {
  readonly #file: DiskFile;
  readonly input: RdbInput;
  /** Where the window lies; views of it hold until the next step. */
  #room: Buffer;

  private constructor(file: DiskFile, input: RdbInput, room: Buffer) {
    this.#file = file;
    this.input = input;
    this.#room = room;
  }

  static async open(disk: Disk, path: string): Promise<RdbSource> {
    const file = await disk.open(path, { create: false });
    const room = Buffer.allocUnsafeSlow(2 * CHUNK_BYTES);
    const first = await file.read(0, Math.min(CHUNK_BYTES, file.size), room);
    return new RdbSource(file, new RdbInput(file.size, first), room);
  }

  get size(): number {
    return this.#file.size;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /**
   * Calls `step` until it returns false; a step that runs out of window starts again with a wider
   * one. With a pacer it also rests between steps.
   */
  async run(step: () => boolean, pacer: Pacer | null = null): Promise<void> {
    for (;;) {
      if (pacer?.due) await pacer.rest();
      const start = this.input.offset;
      try {
        if (!step()) return;
      } catch (error) {
        if (error !== NEED_MORE) throw error;
        this.input.seek(start);
        await this.#widen();
        pacer?.begin();
      }
    }
  }

  /**
   * At least twice the window, so that an object of any size is begun a logarithmic number of
   * times.
   */
  async #widen(): Promise<void> {
    const { input } = this;
    const wanted = Math.max(CHUNK_BYTES, input.buffered);
    if (input.buffered + wanted > WINDOW_MAX) {
      throw new RdbError(input.offset, 'one value is larger than a gigabyte');
    }
    const length = Math.min(wanted, this.size - input.windowEnd);
    const needed = input.buffered + length;
    if (needed > this.#room.length) this.#room = Buffer.allocUnsafeSlow(needed);
    const kept = input.release(this.#room);
    const more = await this.#file.read(input.windowEnd, length, this.#room.subarray(kept));
    if (more.length !== length || length === 0) {
      throw new RdbError(input.windowEnd, 'the file became shorter while it was read');
    }
    input.extend(this.#room.subarray(0, needed));
  }
}
