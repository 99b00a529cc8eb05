// Owns: one process at a time per data directory. Node has no flock, so: a file created exclusively
// that names its holder by pid, start time and boot. A file whose holder is gone (no such process,
// another start time: the pid was used again; another boot) is stale and is taken over. Invariant:
// a takeover replaces exactly the file that was judged stale, by renaming it away first, so two
// starters cannot both win.

import { promises as fsp } from 'node:fs';
import { OperationalError } from '../base/errors.js';
import { DiskFault } from './disk-fault.js';

const ATTEMPTS = 5;

/** Locks of this process, by path: our own pid is alive, so the file alone would not tell. */
const held = new Set<string>();

/** Takes the lock, or rejects with E_LOCKED naming the holder, or DiskFault. */
export async function lockFile(path: string): Promise<{ release(): Promise<void> }> {
  const self = await describe(process.pid);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (held.has(path)) throw locked(path, String(process.pid));
    held.add(path);
    try {
      if (await createExclusively(path, self)) return heldLock(path);
      const found = await readOrEmpty(path);
      const holder = found.split(' ')[0]!;
      if (found !== '' && (await isAlive(found))) throw locked(path, holder);
      await removeStale(path, found);
    } catch (error) {
      held.delete(path);
      if (error instanceof OperationalError) throw error;
      throw new DiskFault('lock', path, error as Error);
    }
    held.delete(path);
  }
  throw locked(path, 'unknown');
}

/** The file appears with its contents, never empty: written aside and linked. */
async function createExclusively(path: string, self: string): Promise<boolean> {
  const aside = `${path}.${process.pid}`;
  await fsp.writeFile(aside, self);
  try {
    await fsp.link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await fsp.rm(aside, { force: true });
  }
}

/** Moves the file away and puts it back when it is no longer the one that was judged. */
async function removeStale(path: string, judged: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await fsp.rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readOrEmpty(aside)) !== judged) {
    await fsp.link(aside, path).catch(() => undefined);
  }
  await fsp.rm(aside, { force: true });
}

/** Releasing twice is harmless, also when somebody else holds the lock by then. */
function heldLock(path: string): { release(): Promise<void> } {
  let mine = true;
  return {
    async release() {
      if (!mine) return;
      mine = false;
      await fsp.rm(path, { force: true });
      held.delete(path);
    },
  };
}

/** `pid starttime bootid`; the last two are empty where /proc is not there. */
async function describe(pid: number): Promise<string> {
  const boot = (await readOrEmpty('/proc/sys/kernel/random/boot_id')).trim();
  return `${pid} ${await startTime(pid)} ${boot}`;
}

async function isAlive(description: string): Promise<boolean> {
  const pid = Number(description.split(' ')[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return (await describe(pid)) === description;
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot; the name in field 2 may hold anything. */
async function startTime(pid: number): Promise<string> {
  const stat = await readOrEmpty(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await fsp.readFile(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function locked(path: string, holder: string): OperationalError {
  return new OperationalError(
    'E_LOCKED',
    `${path} is held by process ${holder}: another daemon uses this data directory. ` +
      'Stop it, or give this one a directory of its own.',
  );
}
