// The whole-node simulation as far as every test run takes it: short seeds of every profile, a seed
// twice, some mutants. In processes of its own: a run owns its process (cluster/guard.ts).

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.js';
import { PLACES, probeHits } from './probes.mjs';

/** Of different kinds, each caught by its first seed: the time goes into building them. */
const SAMPLE = [
  'second-vote-in-a-term',
  'log-not-synced',
  'origins-not-in-snapshot',
  'membership-in-force-when-committed',
];

function sim(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['test/sim/main.mjs', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += String(chunk);
      });
    }
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe('whole nodes', { timeout: 900_000 }, () => {
  it('lose, repeat and invent nothing, and come back, in 200 short seeds', async () => {
    const { code, output } = await sim('--seeds', '200', '--profile', 'all', '--ms', '2000');
    expect(output).toContain('lost 0, duplicated 0, stale 0, wrong 0\nfailed seeds: 0\n');
    expect(code).toBe(0);
  });

  it('do the same again for the same seed', async () => {
    const args = ['--seed', '7', '--profile', 'snapshot', '--ms', '3000', '--twice'];
    const { code, output } = await sim(...args);
    expect(output).toContain('failed seeds: 0');
    expect(code).toBe(0);
  });

  it('with a fault built in are caught', async () => {
    const { code, output } = await sim('--mutants', '--mutant', SAMPLE.join(','), '--ms', '6000');
    expect(output).toContain(`${SAMPLE.length} mutants, alive: none`);
    expect(code).toBe(0);
  });
});

describe('mutants', () => {
  it('change exactly one place each', () => {
    const wrong = MUTANTS.filter(({ file, from }) => {
      return readFileSync(`src/${file}`, 'utf8').split(from).length !== 2;
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(60);
  });
});

describe('probes', () => {
  it('stand at exactly one place each', () => {
    const wrong = PLACES.filter(({ file, at }) => {
      return readFileSync(`src/${file}`, 'utf8').split(at).length !== 2;
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it('are counted by a call or by a line that is logged, and told when they never were', () => {
    const hits = probeHits([
      ['probe conflicting tail truncated', 2],
      ['log Snapshot installed', 3],
      ['log Somebody else', 4],
    ]);
    expect(hits.get('conflicting tail truncated')).toBe(2);
    expect(hits.get('snapshot installed')).toBe(3);
    expect([...hits.values()].reduce((sum, count) => sum + count, 0)).toBe(5);
  });
});

describe('npm run sim', () => {
  it('says what is wrong with its arguments', async () => {
    const cases = [
      [['--seeds', 'many'], '--seeds is "many"; expected a whole number from 1 on'],
      [['--profile', 'foo'], 'no profile "foo"; there are: swarm, calm'],
      [['--mutant', 'foo'], 'no mutant "foo"; there are: '],
      [['--speed', '9'], "Unknown option '--speed'"],
    ] as const;
    for (const [args, expected] of cases) {
      const { code, output } = await sim(...args);
      expect(output).toContain(expected);
      expect(code).toBe(2);
    }
  });
});
