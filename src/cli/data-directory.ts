// Owns: the directory helios-cluster keeps everything in. A marker file says that it is ours;
// --reset deletes nothing without it.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperationalError } from '../base/errors.js';

const MARKER = '.helios-cluster';

/** Makes the directory when missing and marks it unless something of others is in it. */
export function prepareDataDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
  if (readdirSync(directory).length > 0) return;
  writeFileSync(join(directory, MARKER), 'Made by helios-cluster; --reset may delete this.\n');
}

/** Deletes the directory; E_NOT_OURS when it holds anything and no marker. */
export function resetDataDirectory(directory: string): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return;
  if (!existsSync(join(directory, MARKER))) {
    throw new OperationalError(
      'E_NOT_OURS',
      `--reset: ${directory} was not made by helios-cluster (it has no ${MARKER} file); ` +
        'delete it yourself, or choose another with --data-dir',
    );
  }
  rmSync(directory, { recursive: true });
}

/** The last lines of a log, for a start that failed. */
export function logTail(file: string, lines: number): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
