// Owns: glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE and ACL use them: * ? [a-z] [^a] and \ to
// quote.
// The answers, odd cases of broken patterns included, are those of Redis 7.2's stringmatchlen on
// x86-64: an empty text matches only an empty pattern, ranges compare bytes as signed, and more
// than a thousand stars match nothing.
// Cost: a failed star ends the search for good, because the earlier stars can gain nothing by
// matching more; so a match takes O(pattern * text) and no recursion.

const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const CLOSE = 93;
const CARET = 94;
const DASH = 45;
const BACKSLASH = 92;

const STARS_MAX = 1000;

/** Whether the whole of `text` matches. `ignoreCase` folds ASCII letters only. */
export function globMatches(pattern: string, text: string, ignoreCase = false): boolean {
  if (text.length === 0) return pattern.length === 0;
  let p = 0;
  let t = 0;
  let stars = 0;
  let afterStar = -1;
  let starText = 0;
  for (;;) {
    if (pattern.charCodeAt(p) === STAR) {
      p = skipStars(pattern, p);
      if (p === pattern.length) return true;
      if (++stars > STARS_MAX) return false;
      afterStar = p;
      starText = t;
    }
    if (t === text.length) return p === pattern.length;
    const next = p < pattern.length ? matchOne(pattern, p, text.charCodeAt(t), ignoreCase) : -1;
    if (next >= 0) {
      p = next;
      t++;
    } else {
      if (afterStar < 0) return false;
      p = afterStar;
      t = ++starText;
    }
  }
}

function skipStars(pattern: string, at: number): number {
  let p = at;
  while (pattern.charCodeAt(p) === STAR) p++;
  return p;
}

/** The position behind the pattern element at `p` when it takes `byte`; -1 when it does not. */
function matchOne(pattern: string, p: number, byte: number, ignoreCase: boolean): number {
  const element = pattern.charCodeAt(p);
  if (element === QUESTION) return p + 1;
  if (element === OPEN) return matchClass(pattern, p + 1, byte, ignoreCase);
  const quoted = element === BACKSLASH && p + 1 < pattern.length;
  const literal = quoted ? pattern.charCodeAt(p + 1) : element;
  return same(literal, byte, ignoreCase) ? p + (quoted ? 2 : 1) : -1;
}

/**
 * A bracket expression whose first character is at `at`; one that never closes ends with the
 * pattern.
 */
function matchClass(pattern: string, at: number, byte: number, ignoreCase: boolean): number {
  const negated = pattern.charCodeAt(at) === CARET;
  const end = pattern.length;
  let p = negated ? at + 1 : at;
  let found = false;
  while (p < end && pattern.charCodeAt(p) !== CLOSE) {
    const first = pattern.charCodeAt(p);
    if (first === BACKSLASH && p + 1 < end) {
      // A quoted character in brackets is compared with its case, as Redis does.
      if (pattern.charCodeAt(p + 1) === byte) found = true;
      p += 2;
    } else if (p + 2 < end && pattern.charCodeAt(p + 1) === DASH) {
      if (inRange(first, pattern.charCodeAt(p + 2), byte, ignoreCase)) found = true;
      p += 3;
    } else {
      if (same(first, byte, ignoreCase)) found = true;
      p++;
    }
  }
  if (found === negated) return -1;
  return p < end ? p + 1 : end;
}

function inRange(first: number, last: number, byte: number, ignoreCase: boolean): boolean {
  const a = signed(first);
  const b = signed(last);
  const low = Math.min(a, b);
  const high = Math.max(a, b);
  if (!ignoreCase) return signed(byte) >= low && signed(byte) <= high;
  return folded(signed(byte)) >= folded(low) && folded(signed(byte)) <= folded(high);
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

function same(a: number, b: number, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && folded(a) === folded(b));
}

function folded(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}
