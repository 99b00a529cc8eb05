// Owns: the typed errors of a damaged or foreign data directory. Each says what an operator can do.

import { OperationalError } from '../base/errors.js';

/**
 * Bit rot or a hole in the log: this node must not vote with it (architecture D8). Code
 * E_LOG_CORRUPT.
 */
export class LogCorruptError extends OperationalError {
  readonly file: string;
  /** Byte offset in the file where the trouble begins. */
  readonly offset: number;
  /** Index of the record that should be there. */
  readonly expectedIndex: number;

  constructor(file: string, offset: number, expectedIndex: number, what: string) {
    super(
      'E_LOG_CORRUPT',
      `the log is damaged: ${file} at offset ${offset}, where record ${expectedIndex} is expected: ` +
        `${what}. This is not the trace of a crash but of a failing disk or a changed file. Entries from ` +
        'here on may have been acknowledged, so this node must fetch them from its peers; a single node ' +
        'needs a backup.',
    );
    this.file = file;
    this.offset = offset;
    this.expectedIndex = expectedIndex;
  }
}

export function unknownFormat(what: string, found: number, supported: number): OperationalError {
  return new OperationalError(
    'E_FORMAT_VERSION',
    `${what} has format version ${found}; this program reads version ${supported}. ` +
      'Start the version of the program that wrote it, or a newer one.',
  );
}

/** `cause`: what reading it found. */
export function damagedSnapshot(path: string, cause: Error): OperationalError {
  return new OperationalError(
    'E_RDB',
    `${path} is damaged: ${cause.message}. Restore it from a backup, or let this node join the ` +
      'cluster again with an empty data directory.',
    { cause },
  );
}

export function missingFile(path: string, namedBy: string): OperationalError {
  return new OperationalError(
    'E_LOG_MISSING',
    `${path} is missing, although ${namedBy} needs it. Restore it, or let this node join the ` +
      'cluster again with an empty data directory.',
  );
}

export function forgottenSegment(path: string, manifest: string): OperationalError {
  return new OperationalError(
    'E_MANIFEST',
    `${path} holds records and is newer than all that ${manifest} names: the manifest lost lines. ` +
      'Restore it, or let this node join the cluster again with an empty data directory.',
  );
}

export function foreignOwner(path: string, found: string, expected: string): OperationalError {
  return new OperationalError(
    'E_FOREIGN_DATA',
    `${path} belongs to node ${found}, this node is ${expected}. Point data_dir and raft.data_dir ` +
      'at directories of the same node.',
  );
}
