// Owns: a real disk in a temporary directory that can be told to have no room: the write that finds
// none leaves a part of what it was given, as a real one does.

import { type Disk, type DiskFile, systemDisk } from '../../../src/platform/disk.js';
import { DiskFault } from '../../../src/platform/disk-fault.js';

export class FullDisk {
  readonly disk: Disk;
  /** Writes that find no room from now on; Infinity until told otherwise. */
  refusals = 0;
  /** Writes that found none. */
  refused = 0;
  freeBytes = 10 ** 12;
  /** When set, the next sync fails with it. */
  syncFault = '';

  constructor() {
    this.disk = {
      ...systemDisk,
      open: async (path, options) => this.#limited(await systemDisk.open(path, options), path),
      replaceFile: async (path, bytes) => {
        if (this.#refuses()) throw fault('replace', path, 'ENOSPC');
        await systemDisk.replaceFile(path, bytes);
      },
      freeBytes: async () => this.freeBytes,
    };
  }

  #refuses(): boolean {
    if (this.refusals === 0) return false;
    this.refusals--;
    this.refused++;
    return true;
  }

  #limited(file: DiskFile, path: string): DiskFile {
    return {
      get size() {
        return file.size;
      },
      append: (buffers, done) => {
        if (!this.#refuses()) return file.append(buffers, done);
        const whole = Buffer.concat(buffers);
        const part = whole.subarray(0, whole.length >> 1);
        file.append([part], () => done(fault('write', path, 'ENOSPC')));
      },
      sync: (done) => {
        if (this.syncFault === '') return file.sync(done);
        const error = fault('fdatasync', path, this.syncFault);
        this.syncFault = '';
        done(error);
      },
      read: (position, length) => file.read(position, length),
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  }
}

function fault(operation: string, path: string, code: string): DiskFault {
  return new DiskFault(operation, path, Object.assign(new Error(code), { code }));
}
