// Owns: helios-atlasd from dist/ over a disk that can be told to fail. Line by line over the unix
// socket named by HELIOS_FAULT_CONTROL, each answered with "done": `stall` holds every sync back,
// `flow` lets them go on; `full` makes every write find no room, `room` ends that; `fail-sync` and
// `fail-write` make the next one fail as a broken device does. Everything else is the real program.

import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { configure } from '../../dist/cli/atlasd.js';
import { main } from '../../dist/main.js';
import { DiskFault } from '../../dist/platform/disk-fault.js';
import { systemPlatform } from '../../dist/platform/platform.js';

let held = null;
let full = false;
let failing = '';

function fault(operation, path, code) {
  return new DiskFault(operation, path, Object.assign(new Error(code), { code }));
}

/** The error that the next operation of this kind ends with, or null. */
function next(operation, path) {
  if (failing === operation) {
    failing = '';
    return fault(operation, path, 'EIO');
  }
  return operation === 'write' && full ? fault(operation, path, 'ENOSPC') : null;
}

function faulty(file, path) {
  return {
    get size() {
      return file.size;
    },
    append(buffers, done) {
      const error = next('write', path);
      if (error === null) return file.append(buffers, done);
      // A full disk takes a part of what it is given.
      const part = Buffer.concat(buffers);
      file.append([part.subarray(0, part.length >> 1)], () => done(error));
    },
    sync(done) {
      const error = next('fdatasync', path);
      if (error !== null) setImmediate(() => done(error));
      else if (held !== null) held.push(() => file.sync(done));
      else file.sync(done);
    },
    read: (position, length) => file.read(position, length),
    truncate: (length) => file.truncate(length),
    close: () => file.close(),
  };
}

const { disk } = systemPlatform;
const faultyDisk = {
  ...disk,
  open: async (path, options) => faulty(await disk.open(path, options), path),
  replaceFile: async (path, bytes) => {
    if (full) throw fault('replace', path, 'ENOSPC');
    await disk.replaceFile(path, bytes);
  },
};

const COMMANDS = {
  stall: () => {
    held ??= [];
  },
  flow: () => {
    const waiting = held ?? [];
    held = null;
    for (const go of waiting) go();
  },
  full: () => {
    full = true;
  },
  room: () => {
    full = false;
  },
  'fail-sync': () => {
    failing = 'fdatasync';
  },
  'fail-write': () => {
    failing = 'write';
  },
};

const control = process.env.HELIOS_FAULT_CONTROL;
rmSync(control, { force: true });
createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    for (const line of chunk.toString().trim().split('\n')) {
      COMMANDS[line]?.();
      socket.write(`${line in COMMANDS ? 'done' : 'unknown'}\n`);
    }
  });
}).listen(control);

const { config, exitCode } = configure(
  { argv: process.argv.slice(2), env: process.env },
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
);
if (config === null) process.exit(exitCode);
await main(config, { ...systemPlatform, disk: faultyDisk });
