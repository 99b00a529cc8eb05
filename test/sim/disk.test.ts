// The simulated disk against the suite every Disk has to pass, and what a power cut leaves on it.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { Disk } from '../../src/platform/disk.js';
import { append, diskConformance, sync } from '../conformance/disk.js';
import { type DiskOptions, SimDisk } from './cluster/disk.js';
import type { Actor, Events } from './cluster/events.js';

/** Everything happens at once, in the order asked for. */
const atOnce = {
  now: 0,
  schedule(_wait: number, _actor: Actor, run: () => void) {
    setImmediate(run);
  },
} as unknown as Events;

const actor = (): Actor => ({ number: 1, alive: true, paused: false, backlog: [] });

function make(over: Partial<DiskOptions> = {}, seed = 1): SimDisk {
  const options: DiskOptions = {
    syncMin: 1,
    syncMax: 1,
    otherMax: 1,
    crash: 'prefix',
    namesInOrder: true,
    ...over,
  };
  return new SimDisk(atOnce, options, new Rng(seed));
}

describe('the simulated disk', () => {
  diskConformance(async () => {
    const disk = make().of(actor());
    await disk.makeDirectory('/d');
    return { disk, directory: '/d' };
  });
});

/** A file of eight bytes synced, `more` appended and not. */
async function halfSynced(disk: Disk, more: string): Promise<void> {
  await disk.makeDirectory('/d');
  const file = await disk.open('/d/f', { create: true });
  await append(file, 'durable.');
  await sync(file);
  await disk.syncDirectory('/d');
  await append(file, more);
}

describe('a power cut', () => {
  it('keeps what was synced and any beginning of the rest', async () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      const disk = make({}, seed);
      await halfSynced(disk.of(actor()), 'lost');
      disk.loseUnsynced();
      const left = (await disk.of(actor()).readFile('/d/f')).latin1Slice();
      expect('durable.lost').toContain(left);
      expect(left.length).toBeGreaterThanOrEqual(8);
      lengths.add(left.length);
    }
    expect(lengths.size).toBe(5);
  });

  it('may leave zeros from a sector on, or nothing', async () => {
    const endings = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const disk = make({ crash: seed % 2 === 0 ? 'zeros' : 'drop' }, seed);
      await halfSynced(disk.of(actor()), 'x'.repeat(2000));
      disk.loseUnsynced();
      const left = await disk.of(actor()).readFile('/d/f');
      const zeros = left.indexOf(0);
      if (zeros >= 0) expect(zeros === 8 || zeros % 512 === 0).toBe(true);
      endings.add(left.length === 8 ? 'dropped' : zeros < 0 ? 'whole' : 'zeros');
    }
    expect(endings).toContain('dropped');
    expect(endings).toContain('zeros');
  });

  it('takes back names whose directory was not synced', async () => {
    const found = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const disk = make({}, seed);
      await halfSynced(disk.of(actor()), '');
      await disk.of(actor()).rename('/d/f', '/d/g');
      disk.loseUnsynced();
      found.add(disk.files().join());
    }
    expect(found).toEqual(new Set(['/d/f', '/d/g']));
  });

  it('frees the locks of the process that died, and no others', async () => {
    const disk = make();
    const [first, second] = [actor(), actor()];
    await disk.of(first).lock('/lock');
    await expect(disk.of(second).lock('/lock')).rejects.toMatchObject({ code: 'E_LOCKED' });
    first.alive = false;
    await disk.of(second).lock('/lock');
  });
});
