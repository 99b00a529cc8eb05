// The black box at the size of a test: real daemons, real clients, faults, judges; and the same on
// daemons broken on purpose, since a judge that finds nothing there would find nothing anywhere.

import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { REPOSITORY } from './cluster/repository.js';
import { parseOptions } from './options.js';

const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly output: string;
}

/**
 * `npm run chaos`, without building the daemon again. What it keeps of a failed run is removed
 * where that failure is what the test is about; else it is evidence.
 */
async function chaos(toFail: boolean, ...args: string[]): Promise<Ended> {
  const program = join(REPOSITORY, 'dist', 'chaos', 'test', 'chaos', 'main.js');
  try {
    const { stdout, stderr } = await run(process.execPath, [program, ...args]);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    const [, kept] = /^wrong; .*, see (\S+)$/m.exec(stdout) ?? [];
    if (toFail && kept !== undefined) rmSync(kept, { recursive: true, force: true });
    return { code, output: stdout + stderr };
  }
}

function numberAfter(name: string, output: string): number {
  return Number(new RegExp(`^${name} +(\\d+)`, 'm').exec(output)?.[1]);
}

beforeAll(async () => {
  await run('npx', ['tsc', '-p', 'test/chaos/tsconfig.json'], { cwd: REPOSITORY });
}, 120_000);

describe('npm run chaos', () => {
  it('finds nothing lost, doubled or stale while nodes and links fail', async () => {
    const { code, output } = await chaos(
      false,
      ...['--minutes', '0.4', '--epoch', '24', '--faults', 'fast', '--hold', '3', '--seed', '11'],
    );
    expect(code, output).toBe(0);
    expect(numberAfter('acknowledged', output)).toBeGreaterThan(50);
    for (const name of ['lost', 'duplicated', 'stale', 'other anomalies', 'parts undecided']) {
      expect(numberAfter(name, output), output).toBe(0);
    }
  }, 300_000);
});

describe('daemons broken on purpose', () => {
  const broken = (name: string, ...more: string[]): Promise<Ended> =>
    chaos(true, '--minutes', '0.3', '--epoch', '18', '--sabotage', name, ...more);

  it('that answer reads without asking the leader are found to read stale', async () => {
    const { code, output } = await broken('local-reads', '--faults', 'none');
    expect(code, output).toBe(1);
    expect(numberAfter('stale', output), output).toBeGreaterThan(0);
    expect(numberAfter('other failures', output), output).toBe(0);
  }, 300_000);

  it('that run a write again which was sent again are found to double', async () => {
    const { code, output } = await broken('repeats', '--faults', 'kill-leader');
    expect(code, output).toBe(1);
    const doubled = numberAfter('duplicated', output) + numberAfter('lost', output);
    expect(doubled + numberAfter('other anomalies', output), output).toBeGreaterThan(0);
  }, 300_000);
});

describe('its arguments', () => {
  it.each([
    [['--minutes', 'x'], /--minutes takes a number/],
    [['--nodes', '2'], /--nodes takes a number from 3/],
    [['--faults', 'kill,flood'], /"flood" is none of kill, /],
    [['--sabotage', 'x'], /--sabotage takes one of none, local-reads/],
    [['--speed', '1'], /Unknown option '--speed'/],
  ])('%j are refused with a reason', (args, reason) => {
    expect(() => parseOptions(args)).toThrow(reason);
  });

  it('have defaults', () => {
    const { minutes, nodes, faults } = parseOptions([]);
    expect([minutes, nodes]).toEqual([1, 3]);
    expect(faults.length).toBeGreaterThan(10);
  });
});
