// Term, vote and identity over LevelDB: restarts, locks, damage.

import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Level } from 'level';
import { afterEach, describe, expect, it } from 'vitest';
import { openLevel } from '../../../src/platform/key-value.js';
import { openStableStore } from '../../../src/storage/stable-store.js';
import { removeTemporaryDirectories, temporaryDirectory } from './store-fixture.js';

afterEach(removeTemporaryDirectories);

const IDENTITY = { clusterId: 'c1', nodeId: 'node-1', uuid: 'u1' };

describe('stable store', () => {
  it('starts with nothing and remembers everything', async () => {
    const directory = `${temporaryDirectory()}/raft`;
    const store = await openStableStore(directory, openLevel);
    expect(await store.load()).toEqual({
      hardState: { term: 0, vote: '' },
      identity: null,
      incarnation: 0,
      membership: null,
    });
    await store.saveHardState(7, 'node-2');
    await store.saveIdentity({ ...IDENTITY, clusterId: '' });
    await store.saveIdentity(IDENTITY);
    await store.saveMembership('{"voters":["node-1"]}');
    expect([await store.bumpIncarnation(), await store.bumpIncarnation()]).toEqual([1, 2]);
    await store.close();
    const again = await openStableStore(directory, openLevel);
    expect(await again.load()).toEqual({
      hardState: { term: 7, vote: 'node-2' },
      identity: IDENTITY,
      incarnation: 2,
      membership: '{"voters":["node-1"]}',
    });
    await again.close();
  });

  it.each([
    { ...IDENTITY, clusterId: 'c2' },
    { ...IDENTITY, nodeId: 'node-9' },
    { ...IDENTITY, uuid: 'u9' },
  ])('refuses to become another node: %o', async (other) => {
    const store = await openStableStore(temporaryDirectory(), openLevel);
    await store.saveIdentity(IDENTITY);
    await expect(store.saveIdentity(other)).rejects.toMatchObject({ code: 'E_FOREIGN_DATA' });
    expect((await store.load()).identity).toEqual(IDENTITY);
    await store.close();
  });

  it('refuses a second opener, naming the directory', async () => {
    const directory = temporaryDirectory();
    const store = await openStableStore(directory, openLevel);
    await expect(openStableStore(directory, openLevel)).rejects.toMatchObject({
      code: 'E_LOCKED',
      message: expect.stringContaining(directory),
    });
    await store.close();
  });

  it('refuses another format, a store of something else, and damage', async () => {
    const directory = temporaryDirectory();
    const level = new Level<string, string>(directory);
    await level.put('format', '3');
    await level.close();
    await expect(openStableStore(directory, openLevel)).rejects.toMatchObject({
      code: 'E_FORMAT_VERSION',
      message: expect.stringMatching(/version 3.*version 1/),
    });
    const other = temporaryDirectory();
    const foreign = new Level<string, string>(other);
    await foreign.put('a', 'b');
    await foreign.close();
    await expect(openStableStore(other, openLevel)).rejects.toMatchObject({ code: 'E_STABLE' });
  });

  it.each([
    ['hard-state', 'nonsense'],
    ['hard-state', '{"term":-1,"vote":""}'],
    ['identity', '{"nodeId":"a"}'],
    ['incarnation', 'many'],
  ])('does not guess when %s is %s', async (key, value) => {
    const directory = temporaryDirectory();
    await (await openStableStore(directory, openLevel)).close();
    const level = new Level<string, string>(directory);
    await level.put(key, value);
    await level.close();
    const store = await openStableStore(directory, openLevel);
    await expect(store.load()).rejects.toMatchObject({ code: 'E_STABLE' });
    await store.close();
  });

  it('reports files that LevelDB cannot read', async () => {
    const directory = temporaryDirectory();
    await (await openStableStore(directory, openLevel)).close();
    const manifest = readdirSync(directory).find((name) => name.startsWith('MANIFEST'))!;
    writeFileSync(`${directory}/${manifest}`, 'x'.repeat(200));
    appendFileSync(`${directory}/CURRENT`, '');
    const opening = openStableStore(directory, openLevel);
    await expect(opening).rejects.toMatchObject({
      code: expect.stringMatching(/^E_(STABLE|DISK)$/),
    });
  });
});
