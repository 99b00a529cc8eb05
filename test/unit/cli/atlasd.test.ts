// What helios-atlasd prints and its exit status before main() runs.

import { expect, it } from 'vitest';
import { configure } from '../../../src/cli/atlasd.js';

function run(argv: string[]): { out: string; err: string; exitCode: number | null } {
  let out = '';
  let err = '';
  const { exitCode } = configure(
    { argv, env: {} },
    {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
    },
  );
  return { out, err, exitCode };
}

it('exits 2 with one line per problem', () => {
  const { err, out, exitCode } = run(['-listen=x', '-maxclients=0']);
  expect(exitCode).toBe(2);
  expect(out).toBe('');
  expect(err.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^helios-atlasd: -listen: /),
    expect.stringMatching(/^helios-atlasd: -maxclients: /),
  ]);
});

it('prints help, version and the effective settings, and exits 0', () => {
  expect(run(['--help'])).toMatchObject({ exitCode: 0, err: '' });
  expect(run(['--help']).out).toContain('-raft-node-id <id>');
  expect(run(['--version']).out).toMatch(/^helios-atlasd \d+\.\d+\.\d+\n$/);
  const checked = run(['--check-config', '-listen=:1', '--appendonly', 'no']);
  expect(checked.exitCode).toBe(0);
  expect(checked.out).toContain('  listen: ":1" # -listen\n');
  expect(checked.err).toContain('--appendonly: taken as -aof-fsync=none');
});

it('hands over the config otherwise', () => {
  expect(run(['-listen=:1']).exitCode).toBeNull();
});
