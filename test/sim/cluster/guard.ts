// Owns: the proof that a run touches nothing of the real machine: while it goes on, every door to
// time, chance, files and sockets throws and the run fails. Closed before a run, opened after it.

import crypto from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

type Doors = Record<string, unknown>;

const ALLOWED = new Set(['promises', 'constants', 'Stats', 'Dirent', 'ReadStream', 'WriteStream']);

const DOORS: readonly (readonly [owner: Doors, names: readonly string[]])[] = [
  [globalThis as unknown as Doors, ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']],
  [Math as unknown as Doors, ['random']],
  [Date as unknown as Doors, ['now']],
  [performance as unknown as Doors, ['now']],
  [fs as unknown as Doors, functionsOf(fs as unknown as Doors)],
  [fs.promises as unknown as Doors, functionsOf(fs.promises as unknown as Doors)],
  [net as unknown as Doors, ['connect', 'createConnection', 'createServer']],
  [dns as unknown as Doors, ['lookup', 'resolve']],
  [crypto as unknown as Doors, ['randomBytes', 'randomInt', 'randomUUID', 'randomFillSync']],
];

function functionsOf(owner: Doors): string[] {
  return Object.keys(owner).filter(
    (name) => typeof owner[name] === 'function' && !ALLOWED.has(name) && /^[a-z]/.test(name),
  );
}

/** Runs `run` with every door closed. */
export async function sealed<T>(
  run: () => Promise<T>,
  escaped: (door: string) => void,
): Promise<T> {
  const open: (() => void)[] = [];
  for (const [owner, names] of DOORS) {
    for (const name of names) {
      const real = owner[name];
      const trap = (): never => {
        escaped(name);
        throw new Error(`the simulation reached for the real ${name}`);
      };
      owner[name] = trap;
      open.push(() => {
        owner[name] = real;
      });
    }
  }
  syncBuiltinESMExports();
  try {
    return await run();
  } finally {
    for (const reopen of open) reopen();
    syncBuiltinESMExports();
  }
}
