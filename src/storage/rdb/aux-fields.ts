// Owns: the start of an RDB file: magic, version and the AUX fields up to the first key. What a
// snapshot stands for is read from here without loading it.

import type { Disk } from '../../platform/disk.js';
import { damagedSnapshot } from '../storage-errors.js';
import { OPCODE, RDB_VERSION_MAX, RdbError } from './format.js';
import type { RdbInput } from './input.js';
import { RdbSource } from './source.js';

const MAGIC_BYTES = 9;

/** Checks the first nine bytes; returns the version. */
export function readMagic(input: RdbInput): number {
  const magic = input.bytes(MAGIC_BYTES).latin1Slice();
  const match = /^REDIS([0-9]{4})$/.exec(magic);
  if (match === null) throw input.fail('it does not begin with REDIS and a version');
  const version = Number(match[1]);
  if (version < 1 || version > RDB_VERSION_MAX) {
    throw input.fail(
      `RDB version ${version} is not supported, versions 1 to ${RDB_VERSION_MAX} are`,
    );
  }
  return version;
}

/**
 * The AUX fields before the first key, and the size of the file in bytes. Rejects with E_RDB
 * (naming the file) or DiskFault.
 */
export async function readAux(
  disk: Disk,
  path: string,
): Promise<{ aux: Map<string, string>; bytes: number }> {
  const source = await RdbSource.open(disk, path);
  try {
    const aux = new Map<string, string>();
    const { input } = source;
    let began = false;
    await source.run(() => {
      if (!began) {
        readMagic(input);
        began = true;
        return true;
      }
      if (input.remaining === 0 || input.byte() !== OPCODE.aux) return false;
      const name = input.string();
      aux.set(name, input.string());
      return true;
    });
    return { aux, bytes: source.size };
  } catch (error) {
    throw error instanceof RdbError ? damagedSnapshot(path, error) : error;
  } finally {
    await source.close();
  }
}
