// Goal: no damage to a file of LevelDB ends the process inside the library, takes back a vote, or
// is taken for another state; with the seal lost as well, the answer is a clear error or a state.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/platform/clock.js';
import { systemDisk } from '../../src/platform/disk.js';
import { openLevel } from '../../src/platform/key-value.js';
import { openStableStore } from '../../src/storage/stable-store.js';

const OPENER = fileURLToPath(new URL('open-stable.mjs', import.meta.url));
/** In memory where there is such a place: a thousand opens are as many syncs. */
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'helios-stable-'));
const image = join(root, 'image');
const VOTE = { term: 41, vote: 'node-3' };
/** Places tried in each file, evenly spread; with all bytes the test would take minutes. */
const PLACES = 48;

interface Answer {
  readonly code?: string;
  readonly message?: string;
  readonly term?: number;
  readonly vote?: string;
}

/** A child that opens stores; started again when one ended it. */
class Opener {
  #child: ChildProcess | null = null;
  #answers: AsyncIterator<string> | null = null;
  #stderr = '';

  /** What it answered, or what the process said as it died. */
  async open(directory: string): Promise<Answer | string> {
    if (this.#child === null) this.#start();
    this.#child!.stdin!.write(`${directory}\n`);
    const { value, done } = await this.#answers!.next();
    if (done !== true) return JSON.parse(value) as Answer;
    this.#child = null;
    return `died: ${this.#stderr}`;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdin!.end();
    await ended;
  }

  #start(): void {
    const child = spawn(process.execPath, [OPENER], { stdio: 'pipe' });
    this.#stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString('utf8');
    });
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }
}

const opener = new Opener();

beforeAll(async () => {
  // Opened and closed a few times, so that there are tables as well as a log.
  for (let term = 39; term <= VOTE.term; term++) {
    const store = await openStableStore({
      ...{ directory: image, disk: systemDisk, clock: systemClock, openKeyValue: openLevel },
      notice: () => {},
    });
    await store.saveMembership(`node-1=a:1,node-2=b:2,node-3=c:${term}`);
    await store.saveHardState(term, VOTE.vote);
    if (term === VOTE.term) cpSync(image, join(root, 'live'), { recursive: true });
    await store.close();
  }
});
afterAll(async () => {
  await opener.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Every way in which `bytes` is tried. */
function* damages(bytes: Buffer): Generator<[string, Buffer]> {
  const step = Math.max(1, Math.floor(bytes.length / PLACES));
  for (let at = 0; at < bytes.length; at += step) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << (at % 8);
    yield [`bit ${at % 8} of byte ${at}`, flipped];
  }
  for (let length = 0; length < bytes.length; length += 3 * step) {
    yield [`cut to ${length}`, bytes.subarray(0, length)];
    const zeroed = Buffer.from(bytes);
    zeroed.fill(0, length);
    yield [`zeros from ${length}`, zeroed];
  }
  yield ['zeros behind it', Buffer.concat([bytes, Buffer.alloc(100)])];
  yield ['garbage behind it', Buffer.concat([bytes, Buffer.alloc(100, 'gArBaGe')])];
}

async function tryAll(from: string, withSeal: boolean): Promise<string[]> {
  const wrong: string[] = [];
  const names = readdirSync(from).filter((name) => name !== 'stable.seal' && name !== 'raft.lock');
  expect(names.some((name) => name.endsWith('.ldb'))).toBe(true);
  for (const name of names) {
    const bytes = readFileSync(join(from, name));
    const cases: [string, Buffer | null][] = [['removed', null], ...damages(bytes)];
    for (const [what, damaged] of cases) {
      const directory = join(root, 'try');
      cpSync(from, directory, { recursive: true });
      rmSync(join(directory, 'raft.lock'), { force: true });
      if (!withSeal) rmSync(join(directory, 'stable.seal'));
      if (damaged === null) rmSync(join(directory, name));
      else writeFileSync(join(directory, name), damaged);
      const found = await opener.open(directory);
      const fault = judge(found, withSeal);
      if (fault !== '') wrong.push(`${name} ${what}: ${fault}`);
      rmSync(directory, { recursive: true });
    }
  }
  return wrong;
}

function judge(found: Answer | string, withSeal: boolean): string {
  if (typeof found === 'string') return found;
  if (found.code !== undefined) {
    return withSeal || !/^E_(STABLE|FORMAT_VERSION)$/.test(found.code) ? `${found.message}` : '';
  }
  if (!withSeal) return '';
  return found.term === VOTE.term && found.vote === VOTE.vote ? '' : JSON.stringify(found);
}

describe('every file of LevelDB', () => {
  it.each(['image', 'live'])(
    'of a node that was %s, damaged in any place, is made good from the seal',
    async (from) => {
      expect(await tryAll(join(root, from), true)).toEqual([]);
    },
    60_000,
  );

  it('damaged with the seal lost is a clear error, or a state', async () => {
    expect(await tryAll(image, false)).toEqual([]);
  }, 60_000);
});
