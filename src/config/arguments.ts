// Owns: command lines in the three habits people have: Go (-name=value, -name value, -flag=true),
// GNU (--name) and redis-server (--save 900 1). They are rewritten to --name=value, which commander
// understands, before it parses. All mistakes are collected; none throws.

import { parseBoolean } from './kinds.js';
import type { Problems } from './problem.js';
import { didYouMean } from './suggest.js';

export interface OptionShape {
  /** Without dashes. */
  readonly name: string;
  /** `value` needs one word, `boolean` may stand alone, `words` takes all up to the next option. */
  readonly takes: 'value' | 'boolean' | 'words';
}

/**
 * Rewrites `argv` (without node and script). What cannot be understood is reported and left out.
 */
export function normaliseArguments(
  argv: readonly string[],
  shapes: ReadonlyMap<string, OptionShape>,
  problems: Problems,
): string[] {
  const result: string[] = [];
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? '';
    at++;
    const match = /^--?([A-Za-z][A-Za-z0-9._-]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) {
      problems.add(JSON.stringify(word), 'is not an option; expected -name=value or --name value');
      continue;
    }
    const [, typed = '', attached] = match;
    const found = findShape(typed, shapes);
    if (found === null) {
      problems.add(`-${typed}`, `unknown option${suggestion(typed, shapes)}; see --help`);
      if (attached === undefined && isValue(argv[at])) at++;
      continue;
    }
    const values = attached === undefined ? takeValues(found.shape, argv, at) : [attached];
    if (attached === undefined) at += values.length;
    const text = finish(found, values, problems);
    if (text !== null) result.push(`--${found.shape.name}=${text}`);
  }
  return result;
}

interface Found {
  readonly shape: OptionShape;
  /** Written as --no-name. */
  readonly negated: boolean;
}

function findShape(typed: string, shapes: ReadonlyMap<string, OptionShape>): Found | null {
  const name = typed.toLowerCase().replaceAll('_', '-');
  const direct = shapes.get(name);
  if (direct !== undefined) return { shape: direct, negated: false };
  const positive = name.startsWith('no-') ? shapes.get(name.slice(3)) : undefined;
  return positive?.takes === 'boolean' ? { shape: positive, negated: true } : null;
}

function suggestion(typed: string, shapes: ReadonlyMap<string, OptionShape>): string {
  return didYouMean(typed.replaceAll('_', '-'), shapes.keys(), '-');
}

function takeValues(shape: OptionShape, argv: readonly string[], at: number): string[] {
  const next = argv[at];
  if (shape.takes === 'boolean') {
    return next !== undefined && parseBoolean(next) !== undefined ? [next] : [];
  }
  if (shape.takes === 'value') return next !== undefined && isValue(next) ? [next] : [];
  const words: string[] = [];
  for (let word = argv[at]; word !== undefined && isValue(word); word = argv[at + words.length]) {
    words.push(word);
  }
  return words;
}

/** Not another option: "-1" and "-::1" are values, "-raft" and "--x" are not. */
function isValue(word: string | undefined): boolean {
  return word !== undefined && !/^--?[A-Za-z]/.test(word);
}

function finish(found: Found, values: readonly string[], problems: Problems): string | null {
  const { shape, negated } = found;
  const label = `-${negated ? 'no-' : ''}${shape.name}`;
  if (shape.takes !== 'boolean') {
    if (values.length > 0) return values.join(' ');
    problems.add(label, `has no value; expected ${label}=value`);
    return null;
  }
  const value = values[0] ?? 'true';
  const parsed = parseBoolean(value);
  if (parsed === undefined) {
    problems.add(label, `${JSON.stringify(value)} is not a boolean; expected true or false`);
    return null;
  }
  return String(parsed !== negated);
}
