// Owns: running the programs a user types (redis-cli, redis-server, helios-atlasd that is expected
// to end) and getting back what they printed. Every one has a time limit and is ended by pid when
// it passes.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ATLASD = fileURLToPath(new URL('../../bin/helios-atlasd', import.meta.url));

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  /** Both streams as they came. */
  readonly output: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  /** Instead of `input`: each text is typed once the output since the one before it matches. */
  readonly steps?: readonly (readonly [after: RegExp, text: string])[];
  readonly env?: Record<string, string>;
  /** It gets SIGINT then, as a user's Ctrl-C, and SIGKILL two seconds later. */
  readonly msMax?: number;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...options.env };
    const child = spawn(program, args, { env, stdio: 'pipe' });
    let output = '';
    let stderr = '';
    const steps = [...(options.steps ?? [])];
    let seen = 0;
    const typeNext = (): void => {
      const next = steps[0];
      if (next === undefined || !next[0].test(output.slice(seen))) return;
      steps.shift();
      seen = output.length;
      child.stdin.write(next[1]);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1');
      typeNext();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1');
      stderr += chunk.toString('latin1');
    });
    const limit = options.msMax ?? 20_000;
    const interrupt = setTimeout(() => child.kill('SIGINT'), limit);
    const kill = setTimeout(() => child.kill('SIGKILL'), limit + 2000);
    child.on('error', reject);
    child.stdin.on('error', () => {});
    child.on('close', (code) => {
      clearTimeout(interrupt);
      clearTimeout(kill);
      resolve({ code, output, stderr });
    });
    if (options.steps === undefined) child.stdin.end(options.input ?? '');
  });
}

/** What `redis-cli -p PORT ...` prints, without the last newline; rejects when it fails. */
export async function cli(port: number, ...args: string[]): Promise<string> {
  const { code, output } = await run('redis-cli', ['-p', String(port), ...args]);
  if (code !== 0) throw new Error(`redis-cli ${args.join(' ')} ended with ${code}: ${output}`);
  return output.replace(/\n$/, '');
}

/** A line for the shell, as in the documents. */
export async function shell(line: string): Promise<string> {
  return (await run('sh', ['-c', line])).output.trimEnd();
}

/** A daemon that is expected to end by itself. */
export function atlasd(
  args: readonly string[],
  env: Record<string, string> = {},
  msMax = 10_000,
): Promise<Ended> {
  return run(ATLASD, args, { env, msMax });
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'helios-e2e-'));
}

/** Whether all are on PATH; says so when not. */
export function hasPrograms(...names: string[]): boolean {
  const missing = names.filter((name) => {
    try {
      execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0) {
    process.stderr.write(`not on PATH: ${missing.join(', ')}; tests that need it are skipped\n`);
  }
  return missing.length === 0;
}

/** Fails when a daemon printed a stack trace or the word bug: bad input is never that. */
export function traceIn(output: string): string | null {
  return /^\s+at .*:\d+:\d+\)?$|\bbug\b/im.exec(output)?.[0] ?? null;
}
