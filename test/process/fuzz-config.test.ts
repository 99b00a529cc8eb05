// Goal: any flags, variables and YAML give a configuration or a list of problems in words, at once:
// never another error.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { configure } from '../../src/cli/atlasd.js';
import { flagName, settingKeys, variableName } from '../../src/config/schema.js';
import { atlasd, traceIn } from '../e2e/programs.js';
import { RandomSource } from './random-source.js';

const MS_MAX = 6000;
const directory = mkdtempSync(join(tmpdir(), 'helios-fuzz-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const VALUES = [
  ...[
    '',
    '0',
    '1',
    '-1',
    '1e9',
    'true',
    'off',
    ':0',
    ':6379',
    ':99999',
    '[::1]:7000',
    '::1:7000',
    '127.0.0.1',
    'a:b:c',
  ],
  ...[
    '100ms',
    '1h30m',
    '-5s',
    '999999999h',
    '5',
    '64mb',
    '1kb',
    '99999999999gb',
    'every',
    'always',
    'no',
    '/tmp/x',
    '../..',
  ],
  ...[
    'node-1',
    'node 1',
    'ñ',
    '\u0000',
    'x'.repeat(5000),
    'node-2:h:1',
    'node-2:h:1,node-2:h:2',
    ',,,',
    'node-1:[::1]:7000',
  ],
];
const YAML_PIECES = [
  ...[
    'atlas:',
    '  raft:',
    '    peers:',
    '      - id: node-2',
    '        address: "h:1"',
    'gateway:',
    '  listen: off',
  ],
  ...[
    'observability:',
    '  log_level: loud',
    '  data_dir: [1, 2]',
    '&a',
    '*a',
    '- - -',
    '{',
    '}',
    '!!binary x',
    '? :',
    '---',
  ],
  ...[
    '  aof_fsync: "every"',
    '  snapshot_interval_time: 5m',
    '\t',
    '"',
    'a: &x [*x]',
    '<<: *y',
    '  maxmemory: 1.5.3',
    '...',
  ],
];

const random = new RandomSource('fuzz-config');

function flags(): string[] {
  return Array.from({ length: random.below(6) }, () => {
    const name =
      random.below(5) === 0
        ? random.bytes(6).toString('latin1')
        : flagName(random.pick(settingKeys));
    const dashes = random.pick(['-', '--', '---', '']);
    const value = random.pick(VALUES);
    return random.below(4) === 0 ? `${dashes}${name}` : `${dashes}${name}=${value}`;
  });
}

function variables(): Record<string, string> {
  const env: Record<string, string> = {};
  for (let i = random.below(4); i > 0; i--) {
    const name =
      random.below(6) === 0 ? 'HELIOS_RAFT_PEER' : variableName(random.pick(settingKeys));
    env[name] = random.pick(VALUES);
  }
  return env;
}

function yaml(): Buffer {
  const lines = Array.from({ length: random.below(14) }, () => random.pick(YAML_PIECES));
  const bytes = Buffer.from(lines.join('\n'));
  return random.below(3) === 0 ? random.damage(bytes).bytes : bytes;
}

describe('the configuration', () => {
  it('of any flags, variables and file is taken or refused in words', () => {
    const until = Date.now() + MS_MAX;
    let rounds = 0;
    let taken = 0;
    let slowest = 0;
    for (; Date.now() < until; rounds++) {
      const file = join(directory, 'fuzz.yaml');
      const argv = flags();
      if (random.below(2) === 0) {
        writeFileSync(file, yaml());
        argv.push(`-config=${file}`);
      }
      let told = '';
      const begun = performance.now();
      const output = { out: () => {}, err: (text: string) => void (told += text) };
      const { config, exitCode } = configure({ argv, env: variables() }, output);
      slowest = Math.max(slowest, performance.now() - begun);
      if (config !== null) taken++;
      else if (exitCode === 2) expect(told).toMatch(/^helios-atlasd: /);
      expect(traceIn(told)).toBeNull();
    }
    process.stderr.write(
      `fuzz-config: ${rounds} rounds, ${taken} taken, ${slowest.toFixed(0)} ms\n`,
    );
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(rounds);
    expect(slowest).toBeLessThan(1000);
  }, 20_000);

  it.each([
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.replace(/./g, (c) => {
        const before = String.fromCharCode(c.charCodeAt(0) - 1);
        return `${c}: &${c} [${Array(9).fill(`*${before}`).join(',')}]\n`;
      })}`,
    ],
    ['deep nesting', `${'['.repeat(20_000)}`],
    ['a long key', `${'k'.repeat(1_000_000)}: 1\n`],
    ['a megabyte of zeros', '\0'.repeat(1_000_000)],
  ])(
    '%s in the file is refused by the program in a moment',
    async (_, text) => {
      const file = join(directory, 'bomb.yaml');
      writeFileSync(file, text);
      const begun = performance.now();
      const { code, output } = await atlasd([`-config=${file}`, '-check-config']);
      expect(code).toBe(2);
      expect(output).toMatch(/^helios-atlasd: /);
      expect(output.length).toBeLessThan(20_000);
      expect(traceIn(output)).toBeNull();
      expect(performance.now() - begun).toBeLessThan(8000);
    },
    20_000,
  );
});
