// The real disk against the suite every Disk has to pass.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemDisk } from '../../../src/platform/disk.js';
import { DiskFault } from '../../../src/platform/disk-fault.js';
import { append, diskConformance } from '../../conformance/disk.js';

const directories: string[] = [];
function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'helios-disk-'));
  directories.push(directory);
  return directory;
}
afterEach(() => {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
});

describe('the real disk', () => {
  diskConformance(async () => ({ disk: systemDisk, directory: temporary() }));

  it('reports a full device with what to do', async () => {
    const file = await systemDisk.open('/dev/full', { create: false });
    const writing = append(file, 'x');
    await expect(writing).rejects.toBeInstanceOf(DiskFault);
    await expect(writing).rejects.toMatchObject({
      code: 'E_DISK',
      operation: 'write',
      errno: 'ENOSPC',
      message: expect.stringMatching(/write of \/dev\/full failed: ENOSPC.*free space/),
    });
    await file.close();
  });
});

describe('the lock file', () => {
  it('of a process that is gone is taken over', async () => {
    const path = `${temporary()}/lock`;
    const child = spawn('true');
    await new Promise((resolve) => child.once('exit', resolve));
    writeFileSync(path, `${child.pid} 123 some-boot`);
    await (await systemDisk.lock(path)).release();
  });

  it('of a pid that was used again is taken over', async () => {
    const path = `${temporary()}/lock`;
    writeFileSync(path, `${process.ppid} 1 another-boot`);
    const lock = await systemDisk.lock(path);
    await lock.release();
    expect(readdirSync(path.slice(0, -5))).toEqual([]);
  });

  it('of a live process is respected and named', async () => {
    const path = `${temporary()}/lock`;
    const child = spawn(process.execPath, ['-e', holder(), path], { stdio: 'pipe' });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await expect(systemDisk.lock(path)).rejects.toMatchObject({
        code: 'E_LOCKED',
        message: expect.stringContaining(`process ${child.pid}`),
      });
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('damaged or empty is taken over', async () => {
    for (const text of ['', 'garbage', '-5 x y']) {
      const path = `${temporary()}/lock`;
      writeFileSync(path, text);
      await (await systemDisk.lock(path)).release();
    }
  });

  it('goes to one of many that find the same stale file', async () => {
    const path = `${temporary()}/lock`;
    writeFileSync(path, '999999999 1 x');
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => systemDisk.lock(path)));
    const won = tries.filter((result) => result.status === 'fulfilled');
    expect(won.length).toBe(1);
    await won[0]!.value.release();
  });
});

/** Writes a lock file for itself, as another daemon would, and stays. */
function holder(): string {
  return `
    const fs = require('node:fs');
    const stat = fs.readFileSync('/proc/self/stat', 'latin1');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    fs.writeFileSync(process.argv[1], process.pid + ' ' + start + ' ' + boot);
    console.log('held');
    setInterval(() => {}, 1000);`;
}
