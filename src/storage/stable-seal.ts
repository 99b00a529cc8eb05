// Owns: the first copy of the stable store: raft.data_dir/stable.seal, to which every save appends
// one line (stable-state.ts) and syncs it; begun anew when it has grown. A line that a crash cut
// short was never acknowledged; a whole line that does not check is damage. Invariant: what follows
// the last sound line is removed before anything is appended.

import type { Disk, DiskFile } from '../platform/disk.js';
import { isDiskFull } from '../platform/disk-fault.js';
import { decodeSealed, type SealedState, STABLE_VERSION } from './stable-state.js';
import { unknownFormat } from './storage-errors.js';

const NAME = 'stable.seal';
/** The file is replaced by its last line when it would pass this, bytes. */
const BYTES_MAX = 64 * 1024;

/**
 * How a copy was found: `torn`: its end was cut short by a crash; `damaged`: bytes in it changed;
 * `absent`: there is none.
 */
export type CopyFlaw = '' | 'torn' | 'damaged' | 'absent';

export interface SealScan {
  /** The save with the highest counter; null when no line can be read. */
  readonly newest: SealedState | null;
  readonly flaw: CopyFlaw;
  /** Something that was once whole stands behind the newest sound line, and may have been newer. */
  readonly tailDamaged: boolean;
}

export class SealFile {
  readonly #disk: Disk;
  readonly #path: string;
  #file: DiskFile | null = null;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#path = `${directory}/${NAME}`;
  }

  get path(): string {
    return this.#path;
  }

  /** Rejects with E_FORMAT_VERSION for a line of a newer version, or DiskFault. */
  async scan(): Promise<SealScan> {
    if (!(await this.#disk.exists(this.#path))) {
      return { newest: null, flaw: 'absent', tailDamaged: false };
    }
    return scanSeal(await this.#disk.readFile(this.#path), this.#path);
  }

  /** Makes `line` the whole file, whatever was there. */
  async replace(line: string): Promise<void> {
    await this.close();
    await this.#disk.replaceFile(this.#path, Buffer.from(line, 'utf8'));
    this.#file = await this.#disk.open(this.#path, { create: false });
  }

  /** Durable when it resolves. The file was scanned and sound, or replaced. */
  async append(line: string): Promise<void> {
    const bytes = Buffer.from(line, 'utf8');
    this.#file ??= await this.#disk.open(this.#path, { create: false });
    const file = this.#file;
    if (file.size + bytes.length > BYTES_MAX) return this.replace(line);
    const length = file.size;
    try {
      await new Promise<void>((resolve, reject) => {
        file.append([bytes], (error) => (error === null ? resolve() : reject(error)));
      });
    } catch (error) {
      // Of a write that found no room nothing may stay, for it is tried again.
      if (isDiskFull(error)) await file.truncate(length);
      throw error;
    }
    await new Promise<void>((resolve, reject) => {
      file.sync((error) => (error === null ? resolve() : reject(error)));
    });
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}

export function scanSeal(bytes: Buffer, path: string): SealScan {
  let newest: SealedState | null = null;
  let flaw: CopyFlaw = '';
  let tailDamaged = false;
  for (const line of linesOf(bytes)) {
    const found = decodeSealed(line);
    if (found === 'torn') {
      if (flaw === '') flaw = 'torn';
    } else if (found === 'damaged') {
      flaw = 'damaged';
      tailDamaged = true;
    } else if ('newer' in found) {
      throw unknownFormat(path, found.newer, STABLE_VERSION);
    } else if (newest === null || found.counter > newest.counter) {
      newest = found;
      tailDamaged = false;
    }
  }
  // The first line is renamed into place whole: no crash leaves a file without one.
  if (newest === null) return { newest, flaw: 'damaged', tailDamaged: true };
  return { newest, flaw, tailDamaged };
}

/** With their line feeds; zeros at the end are room that a crash left unwritten. */
function linesOf(bytes: Buffer): string[] {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const text = bytes.subarray(0, end).toString('utf8');
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
