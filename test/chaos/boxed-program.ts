// Owns: how a program of this folder runs: outside, it makes a directory and a box (isolation.ts)
// and waits; inside, started by itself with a mark as first argument, it does its work. The inner
// one ends when the outer one is gone, however that ended.

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoopbackNetwork, NamespaceNetwork, type Network } from './cluster/network.js';
import { findBox, startInside } from './isolation.js';

export interface Place {
  /** For data, logs and findings. */
  readonly directory: string;
  readonly network: Network;
}

/** The work itself. */
export interface BoxedWork {
  /** Resolves with the exit code. */
  execute(): Promise<number>;
  /** Takes down what runs; the process ends then. */
  stop(): Promise<void>;
}

export interface BoxedProgram<O extends { readonly keep: boolean }> {
  /** The file to start again. */
  readonly file: string;
  readonly usage: string;
  /** Throws an Error that says what is wrong with the arguments. */
  parse(args: readonly string[]): O;
  /** Arguments for the inner one: what was drawn must be drawn once. */
  argumentsOf(options: O, args: readonly string[]): readonly string[];
  /** First line of output. */
  title(options: O): string;
  work(options: O, place: Place): BoxedWork;
}

const PREFIX = 'helios-chaos-';
const BOXED = '--inside-box';
const LOOPBACK = '--inside-loopback';

/** Directories of runs whose outer process is gone and which nobody asked to keep. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = /^helios-chaos-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    if (existsSync(join(tmpdir(), name, 'keep'))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

async function inside(work: BoxedWork): Promise<void> {
  const stop = (): void => {
    work.stop().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  process.stdin.on('end', stop).resume();
  try {
    process.exit(await work.execute());
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}

function outside<O extends { readonly keep: boolean }>(
  program: BoxedProgram<O>,
  options: O,
  args: readonly string[],
): void {
  removeLeftovers();
  const directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const { unshare, reason } = findBox();
  console.log(program.title(options));
  if (unshare === null) {
    console.log(`no network namespaces here (${reason}): loopback, and links are not cut`);
  }
  const mark = unshare === null ? LOOPBACK : BOXED;
  const more = program.argumentsOf(options, args);
  const child = startInside(unshare, [program.file, mark, directory, ...more]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.stdin?.end());
  child.on('exit', (code) => {
    if (code === 0 && !options.keep) rmSync(directory, { recursive: true, force: true });
    else writeFileSync(join(directory, 'keep'), '');
    process.exit(code ?? 1);
  });
}

/** Runs the program with this process' arguments; exit code 2 for wrong ones. */
export async function runBoxed<O extends { readonly keep: boolean }>(
  program: BoxedProgram<O>,
): Promise<void> {
  const [mark, directory] = process.argv.slice(2);
  const isInside = mark === BOXED || mark === LOOPBACK;
  const args = process.argv.slice(isInside ? 4 : 2);
  let options: O;
  try {
    options = program.parse(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${program.usage}`);
    process.exit(2);
  }
  if (!isInside) {
    outside(program, options, args);
    return;
  }
  const network = mark === BOXED ? await NamespaceNetwork.create() : new LoopbackNetwork();
  await inside(program.work(options, { directory: directory!, network }));
}
