// Owns: `npm run chaos`: outside, it makes the run's directory and box and waits for their end;
// inside (started by itself with --inside), it runs. The inner one ends when the outer one is gone,
// however that ended.

import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBox, startInside } from './isolation.js';
import { type ChaosOptions, parseOptions, USAGE } from './options.js';
import { Run } from './run.js';

const PREFIX = 'helios-chaos-';
const [mark, directory, ...rest] = process.argv.slice(2);

function optionsOrExit(args: readonly string[]): ChaosOptions {
  try {
    return parseOptions(args);
  } catch (error) {
    console.error(`chaos: ${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

/** Directories of runs whose outer process is gone and which nobody asked to keep. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = /^helios-chaos-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    if (existsSync(join(tmpdir(), name, 'keep'))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

async function inside(boxed: boolean): Promise<void> {
  const options = optionsOrExit(rest);
  const run = new Run(options, { directory: directory!, boxed });
  const stop = (): void => {
    run.stop().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  process.stdin.on('end', stop).resume();
  process.exit(await run.execute());
}

function outside(): void {
  const args = process.argv.slice(2);
  const options = optionsOrExit(args);
  removeLeftovers();
  const place = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const box = findBox();
  console.log(`chaos: ${options.nodes} nodes, ${options.minutes} minutes, seed ${options.seed}`);
  if (box.unshare === null) {
    console.log(`no network namespaces here (${box.reason}): loopback, links are not cut`);
  }
  const self = fileURLToPath(import.meta.url);
  const mark = box.unshare === null ? '--inside-loopback' : '--inside';
  const child = startInside(box.unshare, [self, mark, place, ...args, '--seed', `${options.seed}`]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.stdin?.end());
  child.on('exit', (code) => {
    if (code === 0 && !options.keep) rmSync(place, { recursive: true, force: true });
    else writeFileSync(join(place, 'keep'), '');
    process.exit(code ?? 1);
  });
}

if (mark === '--inside' || mark === '--inside-loopback') await inside(mark === '--inside');
else outside();
