// Any value a setting can have survives being written as a flag, a variable, YAML and
// --check-config output.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { formatDuration, parseDuration } from '../../../src/config/duration.js';
import { type Config, loadConfig } from '../../../src/config/load.js';
import {
  flagName,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
  variableName,
} from '../../../src/config/schema.js';
import { effectiveConfig } from '../../../src/config/show.js';
import { formatSize, parseSize } from '../../../src/config/size.js';

const directory = mkdtempSync(join(tmpdir(), 'helios-round-'));
afterAll(() => rmSync(directory, { recursive: true }));

const line = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/[\0\r\n]/.test(text));
const port = fc.integer({ min: 1, max: 65_535 });
const hostName = fc.constantFrom('a', 'helios-node1', '10.0.0.7', '::1', 'fe80::1%eth0', 'x.y.z');
const listen = fc.record({ host: fc.oneof(fc.constant(''), hostName), port });
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const microseconds = (least: number, most: number) =>
  fc.integer({ min: least * 1000, max: most * 1000 }).map((us) => us / 1000);

/** Values by kind name; numbers and choices are taken from the schema's own ranges by trying. */
function arbitraryOf(key: SettingKey): fc.Arbitrary<unknown> {
  const { kind } = settings[key] as Setting;
  switch (kind.name) {
    case 'true|false':
      return fc.boolean();
    case 'path':
    case 'password':
      return line;
    case 'number':
      return fc.integer({ min: 1, max: 10_000 });
    case 'size':
      return fc.integer({ min: 1024 ** 2, max: 4 * 1024 ** 3 });
    case 'duration':
      return microseconds(1_000, 60_000);
    case '[host]:port':
      return listen;
    case '[host]:port|off':
      return fc.oneof(fc.constant(null), listen);
    case 'host:port':
      return fc.record({ host: hostName, port });
    case 'id':
      return id;
    case 'id:host:port,...':
      return fc.array(fc.record({ id, address: fc.record({ host: hostName, port }) }), {
        maxLength: 4,
      });
    default:
      return fc.constantFrom(...kind.name.split('|'));
  }
}

function nested(path: string, value: string): unknown {
  return path.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
}

/**
 * The value as loaded, or the problems; contradictions between settings are not the subject here.
 */
function loadOne(argv: string[], env: Record<string, string>): Config {
  const command = loadConfig({ argv, env });
  if (command.do !== 'run') throw new Error(command.do);
  return command.config;
}

/** Settings that only stand with others beside them. */
const COMPANY = new Map<SettingKey, readonly string[]>([
  ['raftEnabled', ['-raft-node-id=n']],
  ['raftHeartbeatTimeout', ['-raft-election-timeout=10m']],
  ['raftElectionTimeout', ['-raft-heartbeat-timeout=1ms']],
]);

describe('round trip', () => {
  const keys = settingKeys.filter((key) => key !== 'raftPeers');
  it.each(keys)('%s', (key) => {
    const row = settings[key] as Setting;
    const beside = [...(COMPANY.get(key) ?? [])];
    const spare = key === 'listen' ? '-raft-addr=127.0.0.1:1' : '-listen=127.0.0.1:0';
    const file = join(directory, `${key}.yaml`);
    fc.assert(
      fc.property(arbitraryOf(key), (value) => {
        const text = row.kind.format(value);
        const argv = [...beside, spare];
        expect(loadOne([...argv, `-${flagName(key)}=${text}`], {})[key]).toEqual(value);
        expect(loadOne(argv, { [variableName(key)]: text })[key]).toEqual(value);
        writeFileSync(file, stringify(nested(row.path, text)));
        const loaded = loadOne([...argv, `-config=${file}`], {});
        expect(loaded[key]).toEqual(value);
        if (row.secret === true) return;
        writeFileSync(file, effectiveConfig(loaded));
        expect(loadOne([`-config=${file}`], {})[key]).toEqual(value);
      }),
      { numRuns: 15 },
    );
  });

  it('peers', () => {
    const { kind } = settings.raftPeers;
    fc.assert(
      fc.property(arbitraryOf('raftPeers'), (peers) => {
        const text = kind.format(peers as Parameters<typeof kind.format>[0]);
        expect(kind.schema.parse(text)).toEqual(peers);
      }),
    );
  });

  it('durations and sizes', () => {
    fc.assert(
      fc.property(microseconds(0, 1e9), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });

  it.each([
    ['100ms', 100],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['500us', 0.5],
    ['1.5s', 1500],
    ['250µs', 0.25],
    ['0', 0],
    ['8760h', 31_536_000_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', '5 s', 's', '1h 30m', '-1s', '1d', '1.s', '5mins', 'NaN'])('not %j', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it('writes secrets as (redacted)', () => {
    const shown = effectiveConfig(loadOne(['-requirepass=hush'], {}));
    expect(shown).toContain('requirepass: "(redacted)" # -requirepass');
    expect(shown).not.toContain('hush');
  });

  it('gives every setting a flag and variable of its own', () => {
    expect(new Set(settingKeys.map(flagName)).size).toBe(settingKeys.length);
    expect(new Set(settingKeys.map(variableName)).size).toBe(settingKeys.length);
  });
});
