// Owns: helios-atlasd with a clock that can be set and a disk that can hang or be full, for the
// faults that the system around a process cannot play on it alone. Everything else is the real
// program, from dist/. Told what to do, a line at a time, over the unix socket named by
// HELIOS_CHAOS_CONTROL: `clock <ms>` moves the wall clock by that much against the true one, `stall`
// holds every sync back, `flow` lets them go on, `full` leaves no room on the disk, `room` gives it
// back.

import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Disk, DiskFile } from '../../src/platform/disk.js';
import { REPOSITORY } from './cluster/repository.js';

function built(path: string): string {
  const program = process.env.HELIOS_CHAOS_PROGRAM ?? REPOSITORY;
  return pathToFileURL(join(program, 'dist', path)).href;
}

const atlasd = (await import(built('cli/atlasd.js'))) as typeof import('../../src/cli/atlasd.js');
const program = (await import(built('main.js'))) as typeof import('../../src/main.js');
const { systemPlatform } = (await import(
  built('platform/platform.js')
)) as typeof import('../../src/platform/platform.js');

const { DiskFault } = (await import(
  built('platform/disk-fault.js')
)) as typeof import('../../src/platform/disk-fault.js');

let clockOffset = 0;
let full = false;
let stalled: Array<() => void> | null = null;

function noRoom(operation: string, path: string): Error {
  return new DiskFault(operation, path, Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
}

function holdable(file: DiskFile, path: string): DiskFile {
  return {
    get size() {
      return file.size;
    },
    append(buffers, done) {
      if (!full) return file.append(buffers, done);
      // As a real one: what still fits is written.
      const whole = Buffer.concat(buffers);
      file.append([whole.subarray(0, whole.length >> 1)], () => done(noRoom('write', path)));
    },
    sync(done) {
      if (stalled === null) file.sync(done);
      else stalled.push(() => file.sync(done));
    },
    read: (position, length) => file.read(position, length),
    truncate: (length) => file.truncate(length),
    close: () => file.close(),
  };
}

const { disk, clock } = systemPlatform;

/** The real disk, but for the files it opens and the room on it. */
const holdableDisk: Disk = new Proxy(disk, {
  get(target, name, receiver) {
    if (name === 'open') {
      return async (...args: Parameters<Disk['open']>) =>
        holdable(await target.open(...args), args[0]);
    }
    if (name === 'replaceFile' && full) {
      return async (path: string) => Promise.reject(noRoom('replace', path));
    }
    if (name === 'freeBytes' && full) return async () => 0;
    const member: unknown = Reflect.get(target, name, receiver);
    return typeof member === 'function' ? member.bind(target) : member;
  },
});

const COMMANDS: Readonly<Record<string, (argument: string) => void>> = {
  clock: (ms) => {
    clockOffset = Number(ms);
  },
  full: () => {
    full = true;
  },
  room: () => {
    full = false;
  },
  stall: () => {
    stalled ??= [];
  },
  flow: () => {
    const held = stalled ?? [];
    stalled = null;
    for (const sync of held) sync();
  },
};

const control = process.env.HELIOS_CHAOS_CONTROL;
if (control === undefined) throw new Error('fault-daemon: HELIOS_CHAOS_CONTROL names no socket');
rmSync(control, { force: true });
createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    for (const line of chunk.toString().trim().split('\n')) {
      const [name, argument] = line.split(' ');
      COMMANDS[name!]?.(argument ?? '');
      socket.write('done\n');
    }
  });
}).listen(control);

const { config, exitCode } = atlasd.configure(
  { argv: process.argv.slice(2), env: process.env },
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
);
if (config === null) process.exit(exitCode);
await program.main(config, {
  ...systemPlatform,
  disk: holdableDisk,
  clock: { ...clock, now: () => Date.now() + clockOffset },
});
