// Owns: file systems of a few megabytes for tests of a full disk: tmpfs, where this user may mount.
// Everything mounted is unmounted by `release`.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk {
  readonly directory: string;
  readonly #filler: string;

  private constructor(directory: string) {
    this.directory = directory;
    this.#filler = join(directory, 'filler');
  }

  /** Null, with the reason on standard error, where mounting is not allowed. */
  static mount(megabytes: number): SmallDisk | null {
    const directory = mkdtempSync(join(tmpdir(), 'helios-small-'));
    const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'helios-test', directory];
    const { status, stderr, error } = spawnSync('mount', options, { encoding: 'utf8' });
    if (status === 0) return new SmallDisk(directory);
    rmSync(directory, { recursive: true });
    process.stderr.write(`no small disk: ${(error?.message ?? stderr).trim()}\n`);
    return null;
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory);
    return bavail * bsize;
  }

  /** Takes all room but so many bytes. */
  fill(butBytes: number): void {
    const size = this.freeBytes - butBytes;
    writeFileSync(this.#filler, Buffer.alloc(Math.max(0, size), 'x'), { flag: 'a' });
  }

  /** Gives the room back. */
  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  release(): void {
    const { status, stderr } = spawnSync('umount', ['-l', this.directory], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`cannot unmount ${this.directory}: ${stderr}`);
    rmSync(this.directory, { recursive: true });
  }
}
