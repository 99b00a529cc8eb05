// Owns: reading TypeScript just well enough for tidy.test.ts: which parts are code, what is
// imported, where functions begin and end. It knows no types and needs no parser.

export interface Import {
  readonly line: number;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

export interface FunctionSpan {
  readonly line: number;
  readonly lines: number;
}

/**
 * `source` with the insides of comments, strings, templates and regular expressions turned to
 * spaces. Length and line breaks stay, so positions are the same in both.
 */
export function codeOnly(source: string): string {
  const out = source.split('');
  /** Depth of braces at which each open `${` ends. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const blankTo = (end: number): void => {
    for (; at < end && at < source.length; at++) if (source[at] !== '\n') out[at] = ' ';
  };
  while (at < source.length) {
    const char = source[at] ?? '';
    const pair = source.slice(at, at + 2);
    if (pair === '//') blankTo(endOf(source, at, '\n'));
    else if (pair === '/*') blankTo(endOf(source, at + 2, '*/') + 2);
    else if (char === "'" || char === '"') blankTo(endOfQuoted(source, at));
    else if (char === '/' && startsRegExp(out, at)) blankTo(endOfRegExp(source, at));
    else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop();
      const end = endOfTemplateText(source, at + 1);
      blankTo(end);
      if (source[end - 1] === '{') templates.push(depth);
    } else {
      if (char === '{') depth++;
      if (char === '}') depth--;
      at++;
    }
  }
  return out.join('');
}

function endOf(source: string, from: number, what: string): number {
  const found = source.indexOf(what, from);
  return found < 0 ? source.length : found;
}

function endOfQuoted(source: string, at: number): number {
  const quote = source[at];
  let end = at + 1;
  while (end < source.length && source[end] !== quote && source[end] !== '\n') {
    end += source[end] === '\\' ? 2 : 1;
  }
  return end + 1;
}

/** After the closing backtick or after `${`. */
function endOfTemplateText(source: string, from: number): number {
  let end = from;
  while (end < source.length) {
    if (source[end] === '\\') end++;
    else if (source[end] === '`') return end + 1;
    else if (source[end] === '$' && source[end + 1] === '{') return end + 2;
    end++;
  }
  return end;
}

/** A slash begins a regular expression where a value is expected. */
function startsRegExp(out: readonly string[], at: number): boolean {
  let before = at - 1;
  while (before >= 0 && /\s/.test(out[before] ?? '')) before--;
  if (before < 0 || '(,=:[!&|?{};+*<>~^%'.includes(out[before] ?? '')) return true;
  const word = out.slice(Math.max(0, before - 9), before + 1).join('');
  return /\b(?:return|typeof|case|in|of|else)$/.test(word);
}

function endOfRegExp(source: string, at: number): number {
  let inClass = false;
  for (let end = at + 1; end < source.length && source[end] !== '\n'; end++) {
    const char = source[end];
    if (char === '\\') end++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return end + 1;
  }
  return at + 1;
}

export function lineOf(source: string, position: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at >= 0 && at < position; at = source.indexOf('\n', at + 1)) {
    line++;
  }
  return line;
}

const STATIC = /^[ \t]*(?:import|export)\b(?:(\s+type\b)?[^'";]*?\bfrom\s*)?\s*(['"])([^'"]+)\2/;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/;
const IMPORT = new RegExp(`${STATIC.source}|${DYNAMIC.source}`, 'gm');

/** Static and dynamic imports and re-exports with a literal specifier. */
export function importsOf(source: string): Import[] {
  const code = codeOnly(source);
  const found: Import[] = [];
  for (const match of source.matchAll(IMPORT)) {
    const keyword = match.index + match[0].search(/import|export/);
    if (!/^(?:import|export)/.test(code.slice(keyword))) continue;
    found.push({
      line: lineOf(source, keyword),
      specifier: match[3] ?? match[4] ?? '',
      typeOnly: match[1] !== undefined,
    });
  }
  return found;
}

const FUNCTION = /\bfunction\b[^(]*\(/;
const METHOD =
  /^[ \t]+(?:(?:async|static|override|get|set|public|private|protected) )*[#\w$]+(?:<[^()]*>)?\(/;
const ARROW = /=>\s*\{/;
const HEAD = new RegExp(`${FUNCTION.source}|${METHOD.source}|${ARROW.source}`, 'gm');
const CONTROL = /^[ \t]*(?:if|for|while|switch|catch|return|await|super|expect|throw)\b/;

/** Every function, method and arrow function with a block body: first line and number of lines. */
export function functionsOf(source: string): FunctionSpan[] {
  const code = codeOnly(source);
  const spans: FunctionSpan[] = [];
  for (const match of code.matchAll(HEAD)) {
    if (CONTROL.test(match[0])) continue;
    const last = match.index + match[0].length - 1;
    const open = match[0].endsWith('{') ? last : bodyAfter(code, last);
    if (open < 0) continue;
    const first = lineOf(code, match.index + match[0].search(/\S/));
    spans.push({ line: first, lines: lineOf(code, closing(code, open)) - first + 1 });
  }
  return spans;
}

/**
 * Position of the `{` of the body of a function whose parameter list opens at `open`; -1 when it
 * has none.
 */
function bodyAfter(code: string, open: number): number {
  const rest = closing(code, open) + 1;
  const head = /^\s*(?::(?:[^{};=]|=>)*)?/.exec(code.slice(rest))?.[0] ?? '';
  const brace = rest + head.length;
  if (code[brace] !== '{') return -1;
  // `(): { a: number } {`: the first braces are the return type.
  const after = closing(code, brace) + 1;
  const next = /^\s*\{/.exec(code.slice(after));
  return head.trim() === ':' && next !== null ? after + next[0].length - 1 : brace;
}

/** Position of the bracket that closes the one at `open`. */
function closing(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    const char = code[at];
    if (char === '(' || char === '{' || char === '[') depth++;
    else if (char === ')' || char === '}' || char === ']') depth--;
    if (depth === 0) return at;
  }
  return code.length;
}
