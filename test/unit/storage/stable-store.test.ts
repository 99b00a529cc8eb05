// Term, vote and identity, sealed twice: restarts, locks, each copy lost or damaged, both.

import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { Level } from 'level';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/platform/clock.js';
import type { Disk } from '../../../src/platform/disk.js';
import { systemDisk } from '../../../src/platform/disk.js';
import { openLevel } from '../../../src/platform/key-value.js';
import { encodeSealed, NO_STATE } from '../../../src/storage/stable-state.js';
import { openStableStore, type StableStore } from '../../../src/storage/stable-store.js';
import { removeTemporaryDirectories, temporaryDirectory } from './store-fixture.js';

afterEach(removeTemporaryDirectories);

const IDENTITY = { clusterId: 'c1', nodeId: 'node-1', uuid: 'u1' };
const notices: Record<string, unknown>[] = [];
afterEach(() => notices.splice(0));

function open(directory: string, over: { disk?: Disk; clock?: Clock } = {}): Promise<StableStore> {
  return openStableStore({
    ...{ directory, disk: systemDisk, clock: systemClock, openKeyValue: openLevel },
    notice: (event, fields) => notices.push({ event, ...fields }),
    ...over,
  });
}

/** A directory with two votes in it, closed; and its state. */
async function voted(): Promise<string> {
  const directory = temporaryDirectory();
  const store = await open(directory);
  await store.saveIdentity(IDENTITY);
  await store.saveHardState(6, 'node-3');
  await store.saveHardState(7, 'node-2');
  await store.close();
  return directory;
}

/** Puts the LevelDB files of `from` in place of those of `to`. */
function replaceLevel(to: string, from: string | null): void {
  const isSeal = (name: string): boolean => name === 'stable.seal';
  for (const name of readdirSync(to)) {
    if (!isSeal(name)) rmSync(`${to}/${name}`, { recursive: true });
  }
  if (from === null) return;
  for (const name of readdirSync(from)) {
    if (!isSeal(name)) cpSync(`${from}/${name}`, `${to}/${name}`, { recursive: true });
  }
}

async function expectVoted(directory: string): Promise<void> {
  const store = await open(directory);
  expect(await store.load()).toMatchObject({
    hardState: { term: 7, vote: 'node-2' },
    identity: IDENTITY,
  });
  await store.close();
}

describe('stable store', () => {
  it('starts with nothing and remembers everything', async () => {
    const directory = `${temporaryDirectory()}/raft`;
    const store = await open(directory);
    expect(await store.load()).toEqual(NO_STATE);
    await store.saveHardState(7, 'node-2');
    await store.saveIdentity({ ...IDENTITY, clusterId: '' });
    await store.saveIdentity(IDENTITY);
    await store.saveMembership('node-1=[::1]:7000\nä');
    await store.saveAdmitted();
    const incarnation = await store.bumpIncarnation();
    await store.close();
    const again = await open(directory);
    const found = {
      hardState: { term: 7, vote: 'node-2' },
      identity: IDENTITY,
      incarnation,
      membership: 'node-1=[::1]:7000\nä',
      admitted: true,
      rejoining: false,
    };
    expect(await again.load()).toEqual(found);
    await again.beginRejoin('node-1', 'u2');
    expect(await again.load()).toEqual({
      ...found,
      ...{ identity: { ...IDENTITY, uuid: 'u2' }, admitted: false, rejoining: true },
    });
    await again.close();
    expect(notices).toEqual([]);
  });

  it('keeps the order of saves that do not wait for each other', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await Promise.all([1, 2, 3, 4, 5].map((term) => store.saveHardState(term, `v${term}`)));
    await store.close();
    const again = await open(directory);
    expect((await again.load()).hardState).toEqual({ term: 5, vote: 'v5' });
    await again.close();
  });

  it('stays small however often it saves', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await store.saveMembership('m'.repeat(9000));
    for (let term = 1; term <= 20; term++) await store.saveHardState(term, '');
    await store.close();
    expect(statSync(`${directory}/stable.seal`).size).toBeLessThan(65_536);
    const again = await open(directory);
    expect((await again.load()).hardState.term).toBe(20);
    await again.close();
    expect(notices).toEqual([]);
  });

  it('gives no incarnation twice: not after a loss of everything, nor when the clock steps back', async () => {
    let now = Date.UTC(2026, 0, 1);
    const clock = { ...systemClock, now: () => now };
    const given: number[] = [];
    for (const step of [1000, -86_400_000, 0, 2 * 86_400_000]) {
      now += step;
      const directory = temporaryDirectory();
      for (let start = 0; start < 2; start++) {
        const store = await open(directory, { clock });
        given.push(await store.bumpIncarnation(), await store.bumpIncarnation());
        await store.close();
      }
      if (step < 0) given.length -= 4;
    }
    expect(new Set(given).size).toBe(given.length);
    expect(Math.max(...given)).toBeLessThan(2 ** 32);
    const store = await open(temporaryDirectory(), { clock });
    const first = await store.bumpIncarnation();
    now -= 86_400_000;
    expect(await store.bumpIncarnation()).toBe(first + 1);
    await store.close();
  });

  it.each([
    { ...IDENTITY, clusterId: 'c2' },
    { ...IDENTITY, nodeId: 'node-9' },
    { ...IDENTITY, uuid: 'u9' },
  ])('refuses to become another node: %o', async (other) => {
    const store = await open(temporaryDirectory());
    await store.saveIdentity(IDENTITY);
    await expect(store.saveIdentity(other)).rejects.toMatchObject({ code: 'E_FOREIGN_DATA' });
    expect((await store.load()).identity).toEqual(IDENTITY);
    await store.close();
  });

  it('refuses a second opener, naming the directory, and harms nothing', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await expect(open(directory)).rejects.toMatchObject({
      code: 'E_LOCKED',
      message: expect.stringContaining(directory),
    });
    await store.saveHardState(7, 'node-2');
    await store.close();
    await (await open(directory)).close();
    expect(notices).toEqual([]);
  });

  it('takes over a store of version 1 and is then refused by that version', async () => {
    const directory = temporaryDirectory();
    const old = new Level<string, string>(directory);
    await old.put('format', '1');
    await old.put('hard-state', '{"term":7,"vote":"node-2"}');
    await old.put('identity', JSON.stringify(IDENTITY));
    await old.put('incarnation', '4');
    await old.put('membership', 'node-1=h:1');
    await old.close();
    for (let start = 0; start < 2; start++) {
      const store = await open(directory);
      expect(await store.load()).toMatchObject({
        ...{ hardState: { term: 7, vote: 'node-2' }, identity: IDENTITY, incarnation: 4 },
        membership: 'node-1=h:1',
      });
      await store.close();
    }
    const level = new Level<string, string>(directory);
    expect(await level.get('format')).toBe('2');
    await level.close();
    expect(notices).toEqual([]);
  });

  it.each([
    ['hard-state', 'nonsense'],
    ['hard-state', '{"term":-1,"vote":""}'],
    ['identity', '{"nodeId":"a"}'],
    ['incarnation', 'many'],
  ])('does not guess when %s of version 1 is %s', async (key, value) => {
    const directory = temporaryDirectory();
    const old = new Level<string, string>(directory);
    await old.put('format', '1');
    await old.put(key, value);
    await old.close();
    await expect(open(directory)).rejects.toMatchObject({ code: 'E_STABLE' });
  });

  it('refuses a newer format in either copy, and a store of something else', async () => {
    const newer = encodeSealed({ counter: 9, state: NO_STATE });
    expect(newer).toMatch(/^HELIOS-STABLE\/2 /);
    const level = new Level<string, string>(temporaryDirectory());
    await level.put('format', '3');
    await level.close();
    await expect(open(level.location)).rejects.toMatchObject({
      code: 'E_FORMAT_VERSION',
      message: expect.stringMatching(/version 3.*version 2/),
    });
    const foreign = new Level<string, string>(temporaryDirectory());
    await foreign.put('a', 'b');
    await foreign.close();
    await expect(open(foreign.location)).rejects.toMatchObject({ code: 'E_STABLE' });
  });
});

describe('one copy', () => {
  it('that is missing is made anew from the other', async () => {
    const without = await voted();
    rmSync(`${without}/stable.seal`);
    await expectVoted(without);
    expect(notices).toMatchObject([{ copy: `${without}/stable.seal`, found: 'absent' }]);
    replaceLevel(without, null);
    await expectVoted(without);
    expect(notices[1]).toMatchObject({ copy: `LevelDB in ${without}`, found: 'absent' });
    await expectVoted(without);
    expect(notices.length).toBe(2);
  });

  it('that is older takes no vote back, whichever it is', async () => {
    const directory = await voted();
    const before = temporaryDirectory();
    cpSync(directory, before, { recursive: true });
    const store = await open(directory);
    await store.saveHardState(8, 'node-1');
    await store.close();
    const newLevel = temporaryDirectory();
    cpSync(directory, newLevel, { recursive: true });
    for (const older of ['level', 'seal']) {
      const mixed = temporaryDirectory();
      cpSync(older === 'level' ? directory : before, mixed, { recursive: true });
      replaceLevel(mixed, older === 'level' ? before : newLevel);
      const again = await open(mixed);
      expect((await again.load()).hardState).toEqual({ term: 8, vote: 'node-1' });
      await again.close();
      expect(notices.splice(0)).toMatchObject([{ found: 'older' }]);
    }
  });

  it('of the seal may be cut at any byte or have any bit wrong', async () => {
    const directory = await voted();
    const whole = readFileSync(`${directory}/stable.seal`);
    const lines = whole.toString().split('\n').length - 1;
    expect(lines).toBe(4);
    const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (const length of [0, 1, 30, last - 1, last, last + 1, last + 60, whole.length - 1]) {
      writeFileSync(`${directory}/stable.seal`, whole.subarray(0, length));
      await expectVoted(directory);
      writeFileSync(
        `${directory}/stable.seal`,
        Buffer.concat([whole.subarray(0, length), Buffer.alloc(99)]),
      );
      await expectVoted(directory);
    }
    for (const at of [
      0,
      14,
      15,
      20,
      last - 1,
      last,
      last + 14,
      last + 40,
      whole.length - 9,
      whole.length - 1,
    ]) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 4;
      writeFileSync(`${directory}/stable.seal`, bytes);
      await expectVoted(directory);
    }
    expect(notices.every(({ copy }) => copy === `${directory}/stable.seal`)).toBe(true);
    expect(readFileSync(`${directory}/stable.seal`).equals(whole.subarray(last))).toBe(true);
  });

  it('of LevelDB that the library would not open is set aside, one copy kept', async () => {
    const directory = await voted();
    for (let time = 0; time < 2; time++) {
      const manifest = readdirSync(directory).find((name) => name.startsWith('MANIFEST'))!;
      writeFileSync(`${directory}/${manifest}`, 'x'.repeat(200));
      await expectVoted(directory);
      expect(readFileSync(`${directory}/damaged-leveldb/${manifest}`, 'latin1')).toMatch(/^x+$/);
    }
    expect(
      readdirSync(`${directory}/damaged-leveldb`).filter((n) => n.startsWith('MANIFEST')).length,
    ).toBe(1);
  });
});

describe('both copies', () => {
  it('damaged are E_STABLE, and stay as they are', async () => {
    const directory = await voted();
    const seal = `${directory}/stable.seal`;
    const whole = readFileSync(seal);
    const current = readFileSync(`${directory}/CURRENT`);
    writeFileSync(`${directory}/CURRENT`, 'MANIFEST-9');
    for (const damage of [
      () => rmSync(seal),
      () => writeFileSync(seal, ''),
      () => writeFileSync(seal, 'x'.repeat(50)),
      () =>
        writeFileSync(
          seal,
          Buffer.concat([whole.subarray(0, whole.length - 9), Buffer.from('zzzzzzzz\n')]),
        ),
    ]) {
      writeFileSync(seal, whole);
      damage();
      await expect(open(directory)).rejects.toMatchObject({
        code: 'E_STABLE',
        message: expect.stringMatching(/LevelDB: CURRENT names no manifest; and stable.seal/),
      });
    }
    expect(readFileSync(`${directory}/CURRENT`, 'latin1')).toBe('MANIFEST-9');
    writeFileSync(`${directory}/CURRENT`, current);
    writeFileSync(seal, whole);
    await expectVoted(directory);
  });

  it('are not trusted when the end of the seal is damaged and LevelDB is not ahead', async () => {
    const directory = await voted();
    const behind = temporaryDirectory();
    cpSync(directory, behind, { recursive: true });
    const store = await open(directory);
    await store.saveHardState(8, 'node-1');
    await store.close();
    replaceLevel(directory, behind);
    const seal = `${directory}/stable.seal`;
    truncateSync(seal, statSync(seal).size - 3);
    await expectVoted(directory);
    appendFileSync(seal, `${'y'.repeat(80)}\n`);
    await expect(open(directory)).rejects.toMatchObject({ code: 'E_STABLE' });
  });
});
