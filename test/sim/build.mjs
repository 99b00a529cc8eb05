// Owns: the compiled simulator: src/ and test/sim/ through tsc (native, without type checks: npm run
// check does those) into node_modules/.cache/helios-sim/, one directory per mutant and one without.
// Patches are applied to a copy of the sources; the tree itself is never touched.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const CACHE = join(ROOT, 'node_modules/.cache/helios-sim');
/** Builds kept; older ones go. */
const KEPT_MAX = 80;

/** A text replaced in one file: `from` stands there exactly once. */
/** @typedef {{ file: string, from: string, to: string }} Patch */

/**
 * Compiles with these patches, unless that was done before; returns the directory of the result.
 * @param {string} name
 * @param {readonly Patch[]} patches
 */
export function build(name, patches) {
  const target = join(CACHE, `${name}-${fingerprint(patches)}`);
  if (existsSync(target)) return target;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'making-'));
  try {
    for (const folder of ['src', 'test/sim']) {
      cpSync(join(ROOT, folder), join(work, folder), { recursive: true });
    }
    for (const patch of patches) apply(work, patch);
    for (const file of ['tsconfig.json', 'package.json']) {
      cpSync(join(ROOT, file), join(work, file));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(work, 'node_modules'));
    compile(work);
    renameSync(join(work, 'out'), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  removeOld();
  return target;
}

/** @param {string} work @param {Patch} patch */
function apply(work, { file, from, to }) {
  const path = join(work, file);
  const text = readFileSync(path, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) {
    throw new Error(`${file}: the patched text is there ${parts.length - 1} times, expected once`);
  }
  writeFileSync(path, parts.join(to));
}

/** @param {string} work */
function compile(work) {
  const config = {
    extends: './tsconfig.json',
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      // What another compilation emitted says nothing about this directory.
      incremental: false,
      tsBuildInfoFile: null,
      rootDir: '.',
      outDir: 'out',
      inlineSourceMap: true,
      sourceRoot: ROOT,
    },
    include: ['src', 'test/sim'],
    exclude: ['**/*.test.ts'],
  };
  writeFileSync(join(work, 'tsconfig.sim.json'), JSON.stringify(config));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { status, stdout, stderr } = spawnSync(tsc, ['-p', 'tsconfig.sim.json'], {
    cwd: work,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`tsc failed:\n${stdout}${stderr}`);
  cpSync(join(work, 'package.json'), join(work, 'out/package.json'));
}

/** @param {readonly Patch[]} patches */
function fingerprint(patches) {
  const hash = createHash('sha256').update(JSON.stringify(patches));
  for (const folder of ['src', 'test/sim']) {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names) {
      if (!/\.(?:ts|mjs)$/.test(name)) continue;
      hash.update(name).update(readFileSync(join(ROOT, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function removeOld() {
  const builds = readdirSync(CACHE, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('making-'))
    .map(({ name }) => ({ path: join(CACHE, name), at: statSync(join(CACHE, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of builds.slice(KEPT_MAX)) rmSync(path, { recursive: true, force: true });
}
