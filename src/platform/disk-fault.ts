// Owns: the error of a disk operation: which operation, which file, which errno, and what the
// operator can do.

import { OperationalError } from '../base/errors.js';

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free space or enlarge it, then start again.',
  EDQUOT: 'The quota is used up: raise it, then start again.',
  EIO: 'The device reports an error: check the kernel log and the disk before starting again.',
  EROFS: 'The file system is read-only, often after a device error: check the kernel log.',
  EACCES: 'Give the user of this process read and write permission.',
  EPERM: 'Give the user of this process read and write permission.',
  ENOENT: 'The file or its directory does not exist.',
  EMFILE: 'Too many open files: raise the limit (ulimit -n).',
};

/**
 * Code E_DISK. Final: after one from write or sync the contents of the file are unknown
 * (architecture D8).
 */
export class DiskFault extends OperationalError {
  readonly operation: string;
  readonly path: string;
  /** As the system names it: ENOSPC, EIO, ...; empty when it gave none. */
  readonly errno: string;

  constructor(operation: string, path: string, cause: Error) {
    const errno = (cause as NodeJS.ErrnoException).code ?? '';
    const advice = ADVICE[errno] ?? '';
    const why = errno === '' ? cause.message : errno;
    super('E_DISK', `${operation} of ${path} failed: ${why}. ${advice}`.trim(), { cause });
    this.operation = operation;
    this.path = path;
    this.errno = errno;
  }
}

const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * A write found no room: the one failure whose outcome is known, since what was written can be cut
 * off again. Never true of a failed sync, after which nobody knows what is on the disk.
 */
export function isDiskFull(error: unknown): error is DiskFault {
  return error instanceof DiskFault && error.operation !== 'fdatasync' && NO_ROOM.has(error.errno);
}
