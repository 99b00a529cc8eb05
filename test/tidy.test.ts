// The house rules, checked: who may import whom (architecture.md section 4), what the deterministic
// folders must not touch, where the doors to the operating system are, sizes, and what every file
// must have. Each rule lists all of its violations as file:line: what.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeOnly, functionsOf, importsOf, lineOf } from './tidy/source.js';

interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly code: string;
}

function sourcesUnder(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return { path: `${folder}/${name.replaceAll('\\', '/')}`, text, code: codeOnly(text) };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

const src = sourcesUnder('src');
const tests = sourcesUnder('test');
const all = [...src, ...tests];

const DETERMINISTIC = ['raft', 'keyspace', 'commands', 'machine'];
const BELOW_REPLICA = [
  ...['base', 'platform', 'resp', 'raft', 'keyspace', 'lua', 'commands', 'storage', 'machine'],
  ...['peer', 'observe', 'config'],
];

/** What each folder may import besides itself: a folder, or `folder/file` for that file only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  platform: ['base'],
  resp: ['base'],
  raft: ['base'],
  keyspace: ['base'],
  lua: ['base'],
  // The codec of DUMP is pure bytes; nothing else of storage is for commands.
  commands: ['keyspace', 'resp/reply', 'lua', 'storage/rdb/dump', 'base'],
  storage: ['platform', 'base'],
  machine: ['commands', 'keyspace', 'lua', 'base', 'resp/reply', 'resp/request'],
  peer: ['platform', 'raft/messages', 'raft/membership-json', 'base'],
  replica: BELOW_REPLICA,
  server: [
    ...['resp', 'commands', 'keyspace', 'machine/machine', 'replica/group', 'observe', 'config'],
    ...['platform', 'base'],
  ],
  gateway: ['server', 'replica/group', 'observe', 'config', 'platform', 'base'],
  smtp: ['config', 'observe', 'platform', 'base'],
  config: ['platform', 'base'],
  observe: ['platform', 'base'],
  cli: ['smtp', 'config', 'observe', 'platform', 'base'],
};

/** main.ts and what it is split into: the composition root. */
const ROOT = /^src\/[a-z-]+\.ts$/;

/** Files that may import more than their folder. */
const MORE: ReadonlyArray<readonly [path: RegExp, folders: readonly string[]]> = [
  [/^src\/storage\/rdb/, ['keyspace']],
  [/^src\/storage\/foreign-data/, ['keyspace']],
  // What is scraped is the server's and the group's; the logger knows neither.
  [/^src\/observe\/metric/, ['server/server', 'server/info-process', 'replica/group']],
  [ROOT, Object.keys(MAY_IMPORT)],
];

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function mayImport(source: Source, target: string, typeOnly: boolean): boolean {
  const from = folderOf(source.path);
  const to = folderOf(target);
  if (from === to || (ROOT.test(source.path) && ROOT.test(target.replace(/\.js$/, '.ts'))))
    return true;
  const more = MORE.filter(([path]) => path.test(source.path)).flatMap(([, folders]) => folders);
  const allowed = [...(MAY_IMPORT[from] ?? []), ...more];
  const file = target.replace(/^src\//, '').replace(/\.[jt]s$/, '');
  if (allowed.includes(to) || allowed.includes(file)) return true;
  // A type needs no code: whoever may use a folder's public file may name its other types.
  return typeOnly && allowed.some((each) => each.startsWith(`${to}/`));
}

/** `file:line: what` for each match of `pattern` in code. */
function matches(sources: readonly Source[], pattern: RegExp, what: string): string[] {
  return sources.flatMap((source) =>
    [...source.code.matchAll(pattern)].map(
      (match) => `${source.path}:${lineOf(source.code, match.index)}: ${what} (${match[0].trim()})`,
    ),
  );
}

function importViolations(
  sources: readonly Source[],
  wrong: (specifier: string, source: Source, typeOnly: boolean) => boolean,
): string[] {
  return sources.flatMap((source) =>
    importsOf(source.text)
      .filter((each) => wrong(each.specifier, source, each.typeOnly))
      .map((each) => `${source.path}:${each.line}: imports ${each.specifier}`),
  );
}

describe('imports', () => {
  it('know every folder of src', () => {
    const folders = readdirSync('src', { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(folders.filter((name) => MAY_IMPORT[name] === undefined)).toEqual([]);
  });

  it('keep to the levels of architecture.md', () => {
    const violations = importViolations(src, (specifier, source, typeOnly) => {
      if (!specifier.startsWith('.')) return false;
      const target = normalize(join(dirname(source.path), specifier)).replaceAll('\\', '/');
      return !target.startsWith('src/') || !mayImport(source, target, typeOnly);
    });
    expect(violations).toEqual([]);
  });

  it('are written with their .js suffix', () => {
    const wrong = (specifier: string): boolean =>
      specifier.startsWith('.') && !/\.(?:js|mjs|json)$/.test(specifier);
    expect(importViolations(all, wrong)).toEqual([]);
  });

  it('reach the operating system only through platform/', () => {
    const doors = /^node:(?:fs|net|timers|tls|dgram|dns|http|https|child_process|worker_threads)\b/;
    const violations = importViolations(src, (specifier, source) => {
      return doors.test(specifier) && !EXCEPT_PLATFORM.some((path) => path.test(source.path));
    });
    expect(violations).toEqual([]);
  });

  it('use level behind platform/key-value only', () => {
    const wrong = (specifier: string, source: Source): boolean =>
      specifier === 'level' && source.path !== 'src/platform/key-value.ts';
    expect(importViolations(src, wrong)).toEqual([]);
  });
});

/** Who else may use files, sockets, timers and the clock, and why. */
const EXCEPT_PLATFORM = [
  /^src\/platform\//,
  // Programs of their own that talk to Helios as any client does.
  /^src\/smtp\//,
  /^src\/cli\//,
  // Reads the one file named by -config, before anything else exists.
  /^src\/config\/load\.ts$/,
  // Log files, log timestamps, the metrics listener.
  /^src\/observe\//,
];

const TIME = /\bDate\b|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\b|\bqueueMicrotask\b/g;

describe('the deterministic folders', () => {
  const core = src.filter((source) => DETERMINISTIC.includes(folderOf(source.path)));

  it('have nothing asynchronous', () => {
    expect(matches(core, /\basync\b|\bawait\b|\bPromise\b/g, 'asynchronous')).toEqual([]);
  });

  it('have no clock, timer or chance', () => {
    expect(matches(core, TIME, 'time')).toEqual([]);
    expect(matches(core, /\bMath\s*\.\s*random\b|\bcrypto\b/g, 'chance')).toEqual([]);
  });

  it('have no process, console or node: import', () => {
    expect(matches(core, /(?<![.\w])(?:process|console)\s*\./g, 'process or console')).toEqual([]);
    expect(importViolations(core, (specifier) => specifier.startsWith('node:'))).toEqual([]);
  });

  it('do not depend on the locale', () => {
    const locale = /\.(?:toLocale\w*|localeCompare)\b|\bIntl\b/g;
    expect(matches(core, locale, 'locale')).toEqual([]);
  });
});

describe('effects', () => {
  const outside = src.filter((source) => !EXCEPT_PLATFORM.some((path) => path.test(source.path)));

  it('take time from platform/clock', () => {
    expect(matches(outside, TIME, 'time')).toEqual([]);
  });

  it('take randomness from platform/entropy or a seed', () => {
    expect(matches(outside, /\bMath\s*\.\s*random\b/g, 'chance')).toEqual([]);
  });

  it('end the process in platform/ only', () => {
    expect(matches(outside, /\bprocess\s*\.\s*(?:exit|abort|kill)\b/g, 'exit')).toEqual([]);
  });

  it('print nothing but through observe/', () => {
    expect(matches(outside, /(?<![.\w])console\s*\./g, 'console')).toEqual([]);
  });
});

describe('every file', () => {
  it('starts with a comment that says what it owns', () => {
    const wrong = all.filter((source) => !/^(?:\/\/ \S|\/\*)/.test(source.text));
    expect(wrong.map((source) => source.path)).toEqual([]);
  });

  it('has at most 600 lines', () => {
    const wrong = all
      .map((source) => [source.path, source.text.split('\n').length - 1] as const)
      .filter(([, lines]) => lines > 600)
      .map(([path, lines]) => `${path}: ${lines} lines`);
    expect(wrong).toEqual([]);
  });

  it('has lines of at most 100 characters', () => {
    const wrong = all.flatMap((source) =>
      source.text
        .split('\n')
        .map((line, at) => [line, at + 1] as const)
        .filter(([line]) => line.length > lineLimit(line))
        .map(([line, at]) => `${source.path}:${at}: ${line.length} characters`),
    );
    expect(wrong).toEqual([]);
  });

  it('has functions of at most 70 lines', () => {
    const wrong = src.flatMap((source) =>
      functionsOf(source.text)
        .filter((each) => each.lines > 70)
        .map((each) => `${source.path}:${each.line}: a function of ${each.lines} lines`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no default export, any, suppressed check or note to self', () => {
    expect(matches(all, /\bexport\s+default\b/g, 'default export')).toEqual([]);
    expect(matches(all, /(?:[:<]|\bas|=>)\s*any\b(?!\s*[(:])|\bany\[\]/g, 'any')).toEqual([]);
    const marks = new RegExp(
      [
        '@ts-' + 'ignore',
        '@ts-' + 'nocheck',
        'biome-' + 'ignore',
        '\\bTO' + 'DO\\b',
        '\\bFIX' + 'ME\\b',
      ].join('|'),
    );
    const marked = all.filter((source) => marks.test(source.text));
    expect(marked.map((source) => source.path)).toEqual([]);
  });

  it('has a name that says what is in it', () => {
    const empty = /(?:^|\/)(?:utils?|helpers?|common|misc|shared|lib|index)(?:\/|\.ts$)/;
    const odd = /^(?:src|test)\/(?:[a-z0-9-]+\/)*[a-z0-9-]+(?:\.test|\.bench|\.d)?\.ts$/;
    const wrong = all.filter(({ path }) => empty.test(path) || !odd.test(path));
    expect(wrong.map((source) => source.path)).toEqual([]);
  });
});

/**
 * A long text (an exact message, a test's name, a pattern) may make its line longer than the code
 * in it would be.
 */
function lineLimit(line: string): number {
  return /(['"`/]).{40,}\1/.test(line) ? 160 : 100;
}

describe('tests', () => {
  it('are all run', () => {
    const left = /\b(?:it|test|describe|suite)(?:\.\w+)*\.(?:skip|only|todo|fails)\b(?!If)/g;
    expect(matches(tests, left, 'left out')).toEqual([]);
  });
});

describe('src/README.md', () => {
  it('names every folder', () => {
    const tour = readFileSync('src/README.md', 'utf8');
    const folders = readdirSync('src', { withFileTypes: true }).filter((each) =>
      each.isDirectory(),
    );
    const missing = folders.filter(({ name }) => !tour.includes(`${name}/`));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});

describe('the checker itself', () => {
  it('does not take text for code', () => {
    const text =
      'const a = "Date"; // Date\nb = `x$' + '{Date}y$' + '{1}` + /[/]Date/.source; /* Date */';
    expect([...codeOnly(text).matchAll(/\bDate\b/g)]).toHaveLength(1);
    expect(codeOnly(text)).toHaveLength(text.length);
  });

  it('finds imports of every form', () => {
    const text = [
      "import { a } from './a.js';",
      "import type { b } from './b.js';",
      "import './c.js';",
      "export { d } from './d.js';",
      "const e = await import('./e.js');",
      '// import f from "./f.js"',
    ].join('\n');
    const found = importsOf(text).map((each) => each.specifier + (each.typeOnly ? ' type' : ''));
    expect(found).toEqual(['./a.js', './b.js type', './c.js', './d.js', './e.js']);
  });

  it('measures functions, methods and arrows', () => {
    const body = '\n  x();'.repeat(5);
    const text = [
      `function a(x: number): { y: number } {${body}\n}`,
      `class B {\n  static async c<T>(x: T): Promise<void> {${body}\n  }\n}`,
      `const d = (): void => {${body}\n};`,
      'if (x) {\n\n\n}',
    ].join('\n');
    expect(functionsOf(text).map((each) => each.lines)).toEqual([7, 7, 7]);
  });

  it('knows an allowed import from a forbidden one', () => {
    const source = { path: 'src/server/x.ts', text: '', code: '' };
    expect(mayImport(source, 'src/replica/group.js', false)).toBe(true);
    expect(mayImport(source, 'src/replica/replica.js', false)).toBe(false);
    expect(mayImport({ ...source, path: 'src/raft/x.ts' }, 'src/platform/disk.js', true)).toBe(
      false,
    );
    expect(
      mayImport({ ...source, path: 'src/storage/rdb-writer.ts' }, 'src/keyspace/k.js', false),
    ).toBe(true);
  });
});
