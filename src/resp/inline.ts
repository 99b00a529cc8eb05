// Owns: the words of an inline command, one line typed by a person or a health check (`GET "a
// key"`). Quoting rules of Redis: "..." knows \n \r \t \b \a \xHH and \c for any other c; '...'
// knows only \'. A closing quote must be followed by a blank or the end of the line.

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  a: '\x07',
};

/** Blanks as C's isspace knows them; NUL ends a line there, so it counts as a blank here. */
function isBlank(char: string): boolean {
  return char === ' ' || (char >= '\t' && char <= '\r') || char === '\0';
}

interface Piece {
  text: string;
  /** Offset behind the piece. */
  next: number;
}

/**
 * The words of `line` (latin1, without its line end), or null when quotes do not balance. Linear.
 */
export function splitInline(line: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isBlank(line[at]!)) at++;
    if (at >= line.length) return words;
    const word = readWord(line, at);
    if (word === null) return null;
    words.push(word.text);
    at = word.next;
  }
}

function readWord(line: string, from: number): Piece | null {
  let text = '';
  let at = from;
  while (at < line.length && !isBlank(line[at]!)) {
    const char = line[at]!;
    if (char !== '"' && char !== "'") {
      text += char;
      at++;
      continue;
    }
    const quoted = char === '"' ? readDouble(line, at + 1) : readSingle(line, at + 1);
    if (quoted === null) return null;
    if (quoted.next < line.length && !isBlank(line[quoted.next]!)) return null;
    return { text: text + quoted.text, next: quoted.next };
  }
  return { text, next: at };
}

function readDouble(line: string, from: number): Piece | null {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line[at]!;
    if (char === '"') return { text, next: at + 1 };
    if (char !== '\\' || at + 1 >= line.length) {
      text += char;
      continue;
    }
    const hex = line.slice(at + 2, at + 4);
    if (line[at + 1] === 'x' && /^[0-9a-fA-F]{2}$/.test(hex)) {
      text += String.fromCharCode(Number.parseInt(hex, 16));
      at += 3;
    } else {
      const escaped = line[at + 1]!;
      text += ESCAPES[escaped] ?? escaped;
      at++;
    }
  }
  return null;
}

function readSingle(line: string, from: number): Piece | null {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const char = line[at]!;
    if (char === "'") return { text, next: at + 1 };
    if (char === '\\' && line[at + 1] === "'") {
      text += "'";
      at++;
    } else {
      text += char;
    }
  }
  return null;
}
