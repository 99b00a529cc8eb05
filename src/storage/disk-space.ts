// Owns: room on the disk: how much is left, the reserve that is given up when there is none, and
// the patience with writes that found none. Below `freeBytesMin` the disk counts as full: writes
// that need room are refused while some is left, so that deletes, expiry and snapshots, which make
// room, still go through. The reserve (data_dir/helios.reserve) is for the case that something else
// filled the disk to the last byte. Invariants: only a write whose outcome is known is tried again
// (isDiskFull); a sync never is; the reserve comes back as soon as there is room for it.

import type { Clock, Timer } from '../platform/clock.js';
import type { Disk, DiskFile } from '../platform/disk.js';
import { isDiskFull } from '../platform/disk-fault.js';

/** Where writes that found no room are tried again; storage is given one. */
export interface Space {
  /**
   * Runs `step`, and again when it found no room, until it succeeds or fails for another reason.
   * So `step` must leave nothing behind when it fails.
   */
  retry<T>(step: () => Promise<T>): Promise<T>;
  /** So many bytes are about to be written: what is left is less by them before it is looked at. */
  spend(bytes: number): void;
}

/** For storage that is nobody's to wait for: a full disk is a failure like any other. */
export const NO_PATIENCE: Space = { retry: (step) => step(), spend: () => {} };

export interface DiskSpaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** data_dir, where the reserve is. */
  readonly directory: string;
  /** Others to watch; they may be on another file system. */
  readonly others: readonly string[];
  /** Bytes set aside; 0 for none. */
  readonly reserveBytes: number;
  /** The disk is full when fewer bytes are free; 0: only when a write found no room. */
  readonly freeBytesMin: number;
  readonly notice: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

const RESERVE_NAME = 'helios.reserve';
const CHUNK = Buffer.alloc(1024 * 1024);
const LOOK_MS = 500;
const RETRY_MS = 200;
/** The disk stays full for this long after a write found no room, ms: it tells more than statfs. */
const FULL_MS = 2000;
/** Room must be this much over the limit again, or the state would flap. */
const RECOVERED = 1.1;

export class DiskSpace implements Space {
  readonly #options: DiskSpaceOptions;
  readonly #path: string;
  #timer: Timer | null = null;
  #looking = false;
  #freeBytes = Number.POSITIVE_INFINITY;
  #full = false;
  #reserved = false;
  #patient = false;
  /** Writes that wait for room now. */
  #waiting = 0;
  /** Monotonic ms of the last write that found no room. */
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(options: DiskSpaceOptions) {
    this.#options = options;
    this.#path = `${options.directory}/${RESERVE_NAME}`;
  }

  /** Growing writes are to be refused. */
  get full(): boolean {
    return this.#full;
  }

  /** A write waits for room: nothing can be made durable. */
  get blocked(): boolean {
    return this.#waiting > 0;
  }

  /** Whether a file of so many bytes may be begun: not with the last room, which is for deletes. */
  hasRoomFor(bytes: number): boolean {
    return !this.#full || (!this.blocked && this.#freeBytes > 2 * bytes);
  }

  /** Of the file system with the least, as last seen less what was written since; Infinity before. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /**
   * Begins to watch, and to make the reserve. Until then a write that finds no room gets what the
   * reserve holds, once; from then on it waits.
   */
  async start(): Promise<void> {
    this.#freeBytes = await this.#leastFree();
    this.#judge();
    void this.#look();
    this.#patient = true;
    this.#timer = this.#options.clock.every(LOOK_MS, () => void this.#look());
  }

  /** Writes that wait fail, and later ones do not wait. */
  stop(): void {
    this.#patient = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** A burst between two looks must not take the room that is left for deletes. */
  spend(bytes: number): void {
    this.#freeBytes -= bytes;
    const freeBytes = this.#freeBytes;
    if (freeBytes < this.#options.freeBytesMin) this.#become(true, { freeBytes });
  }

  async retry<T>(step: () => Promise<T>): Promise<T> {
    let waiting = false;
    try {
      for (;;) {
        try {
          return await step();
        } catch (error) {
          if (!isDiskFull(error)) throw error;
          this.#noteRefused(error.path);
          if (await this.#giveUpReserve()) continue;
          if (!this.#patient) throw error;
          if (!waiting) this.#waiting++;
          waiting = true;
          await new Promise<void>((resolve) => this.#options.clock.after(RETRY_MS, resolve));
        }
      }
    } finally {
      if (waiting) this.#waiting--;
    }
  }

  #noteRefused(path: string): void {
    this.#refusedAt = this.#options.clock.monotonic();
    this.#become(true, { path });
  }

  #become(full: boolean, fields: Readonly<Record<string, unknown>>): void {
    if (full === this.#full) return;
    this.#full = full;
    const { notice, freeBytesMin } = this.#options;
    if (full)
      notice('Disk is full: writes that need room are refused', { ...fields, freeBytesMin });
    else notice('Disk has room again: writes are taken', fields);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      this.#freeBytes = await this.#leastFree();
      this.#judge();
      await this.#restoreReserve();
    } catch (error) {
      this.#options.notice('Cannot see how full the disk is', { error: String(error) });
    } finally {
      this.#looking = false;
    }
  }

  async #leastFree(): Promise<number> {
    const { disk, directory, others } = this.#options;
    let least = Number.POSITIVE_INFINITY;
    for (const path of [directory, ...others]) {
      least = Math.min(least, await disk.freeBytes(path));
    }
    return least;
  }

  #judge(): void {
    const { clock, freeBytesMin } = this.#options;
    const freeBytes = this.#freeBytes;
    const refused = this.blocked || clock.monotonic() - this.#refusedAt < FULL_MS;
    const limit = this.#full ? freeBytesMin * RECOVERED : freeBytesMin;
    this.#become(refused || freeBytes < limit, { freeBytes });
  }

  /** True when there was one: the room it took is free now. */
  async #giveUpReserve(): Promise<boolean> {
    if (!this.#reserved && !(await this.#options.disk.exists(this.#path))) return false;
    this.#reserved = false;
    await this.#options.disk.remove(this.#path);
    this.#options.notice('The reserve of disk space is used', { path: this.#path });
    return true;
  }

  async #restoreReserve(): Promise<void> {
    const { disk, reserveBytes, freeBytesMin } = this.#options;
    if (this.#reserved || this.#full || reserveBytes === 0) return;
    if (this.#freeBytes < freeBytesMin * RECOVERED + reserveBytes) return;
    const file = await disk.open(this.#path, { create: true });
    try {
      while (file.size < reserveBytes) await extend(file, reserveBytes - file.size);
      this.#reserved = true;
    } finally {
      await file.close();
      if (!this.#reserved) await disk.remove(this.#path);
    }
  }
}

function extend(file: DiskFile, missing: number): Promise<void> {
  const chunk = CHUNK.subarray(0, Math.min(CHUNK.length, missing));
  return new Promise((resolve, reject) => {
    file.append([chunk], (error) => (error === null ? resolve() : reject(error)));
  });
}
