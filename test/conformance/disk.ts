// Owns: what every Disk must do; run by test/unit/platform/disk.test.ts on the real one and by the
// simulator on its own.

import { expect, it } from 'vitest';
import type { Disk, DiskFile } from '../../src/platform/disk.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export function append(file: DiskFile, ...texts: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append(texts.map(bytes), (error) => (error === null ? resolve() : reject(error)));
  });
}

export function sync(file: DiskFile): Promise<void> {
  return new Promise((resolve, reject) => {
    file.sync((error) => (error === null ? resolve() : reject(error)));
  });
}

/** Declares the tests. `make` gives a disk and an empty directory on it that exists. */
export function diskConformance(make: () => Promise<{ disk: Disk; directory: string }>): void {
  it('appends in order, reads at positions, knows its size', async () => {
    const { disk, directory } = await make();
    const file = await disk.open(`${directory}/a`, { create: true });
    expect(file.size).toBe(0);
    await append(file, 'one', '', 'two');
    expect(file.size).toBe(6);
    await append(file, 'three');
    await sync(file);
    expect((await file.read(2, 5)).latin1Slice()).toBe('etwot');
    expect((await file.read(9, 100)).latin1Slice()).toBe('ee');
    expect((await file.read(100, 1)).length).toBe(0);
    await file.close();
    expect((await disk.readFile(`${directory}/a`)).latin1Slice()).toBe('onetwothree');
  });

  it('takes more buffers than one system call does', async () => {
    const { disk, directory } = await make();
    const file = await disk.open(`${directory}/a`, { create: true });
    const texts = Array.from({ length: 5000 }, (_, i) => `${i},`);
    await append(file, ...texts);
    expect((await disk.readFile(`${directory}/a`)).latin1Slice()).toBe(texts.join(''));
    await file.close();
  });

  it('appends behind what was there, also after a truncation', async () => {
    const { disk, directory } = await make();
    const first = await disk.open(`${directory}/a`, { create: true });
    await append(first, 'abcdef');
    await first.close();
    const again = await disk.open(`${directory}/a`, { create: false });
    expect(again.size).toBe(6);
    await again.truncate(3);
    expect(again.size).toBe(3);
    await append(again, 'X');
    expect((await again.read(0, 10)).latin1Slice()).toBe('abcX');
    await again.close();
  });

  it('fails with E_DISK, the operation and the path', async () => {
    const { disk, directory } = await make();
    const path = `${directory}/absent`;
    const fault = { code: 'E_DISK', path, errno: 'ENOENT' };
    await expect(disk.open(path, { create: false })).rejects.toMatchObject(fault);
    await expect(disk.readFile(path)).rejects.toMatchObject({ ...fault, operation: 'read' });
    await expect(disk.rename(path, `${path}2`)).rejects.toMatchObject(fault);
    await expect(disk.list(path)).rejects.toMatchObject(fault);
    expect(await disk.exists(path)).toBe(false);
    await disk.remove(path);
  });

  it('replaces a file whole and leaves nothing beside it', async () => {
    const { disk, directory } = await make();
    const path = `${directory}/m`;
    await disk.replaceFile(path, bytes('first'));
    await disk.replaceFile(path, bytes('2'));
    expect((await disk.readFile(path)).latin1Slice()).toBe('2');
    expect(await disk.list(directory)).toEqual(['m']);
  });

  it('renames, removes, lists; an open file stays readable after both', async () => {
    const { disk, directory } = await make();
    await disk.makeDirectory(`${directory}/d/e`);
    await disk.makeDirectory(`${directory}/d/e`);
    const file = await disk.open(`${directory}/d/a`, { create: true });
    await append(file, 'kept');
    await disk.rename(`${directory}/d/a`, `${directory}/d/b`);
    await disk.syncDirectory(`${directory}/d`);
    expect((await disk.list(`${directory}/d`)).sort()).toEqual(['b', 'e']);
    await disk.remove(`${directory}/d/b`);
    expect(await disk.exists(`${directory}/d/b`)).toBe(false);
    expect((await file.read(0, 4)).latin1Slice()).toBe('kept');
    await file.close();
  });

  it('gives a lock to one holder at a time', async () => {
    const { disk, directory } = await make();
    const path = `${directory}/lock`;
    const first = await disk.lock(path);
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'E_LOCKED' });
    await first.release();
    await first.release();
    const second = await disk.lock(path);
    await first.release();
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'E_LOCKED' });
    await second.release();
  });
}
