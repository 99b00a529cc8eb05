// Owns: ways to break the daemons on purpose, so that the judges can be seen to notice: flags that
// promise less, and one-line changes in a copy of the built program.

import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './cluster/repository.js';

interface Sabotage {
  /** Daemon flags. */
  readonly args: readonly string[];
  /** Changes below dist/; `from` must be there exactly once. */
  readonly patches: ReadonlyArray<{
    readonly file: string;
    readonly from: string;
    readonly to: string;
  }>;
}

export const SABOTAGE: Readonly<Record<string, Sabotage>> = {
  none: { args: [], patches: [] },
  /** Reads without asking the leader. */
  'local-reads': { args: ['-read-level=local'], patches: [] },
  /** A write that its node sent again to a new leader runs again. */
  repeats: {
    args: [],
    patches: [
      {
        file: 'machine/machine.js',
        from: 'this.#applyUnit(run, fresh)',
        to: 'this.#applyUnit(run, true)',
      },
      {
        file: 'replica/sequencer.js',
        from: 'end.firstSeq + end.count - 1 <= last',
        to: 'end.firstSeq + end.count < 0',
      },
    ],
  },
  /** What one member has counts as committed. */
  'no-majority': {
    args: [],
    patches: [
      {
        file: 'raft/quorum.js',
        from: 'return values[size - majority(size)]',
        to: 'return values[size - 1]',
      },
    ],
  },
};

/** Directory of the program to run: this repository, or a patched copy below `directory`. */
export function programDirectory(name: string, directory: string): string {
  const { patches } = SABOTAGE[name]!;
  if (patches.length === 0) return REPOSITORY;
  const copy = join(directory, 'program');
  mkdirSync(copy, { recursive: true });
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(join(REPOSITORY, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'));
  for (const { file, from, to } of patches) {
    const path = join(copy, 'dist', file);
    const parts = readFileSync(path, 'utf8').split(from);
    if (parts.length !== 2) throw new Error(`sabotage ${name}: "${from}" is not once in ${file}`);
    writeFileSync(path, parts.join(to));
  }
  return copy;
}
