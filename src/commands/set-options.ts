// Owns: the options of SET and GETEX: which words exist, which exclude each other, and the expiry
// they name.

import { futureDeadline, type TimeUnit } from './deadlines.js';
import { SYNTAX } from './errors.js';

type ExpiryWord = 'ex' | 'px' | 'exat' | 'pxat';

interface Options {
  condition: '' | 'nx' | 'xx';
  get: boolean;
  /**
   * At most one of them; only the four times may be repeated (the last argument counts) or
   * `keepttl`, `persist`.
   */
  expiry: '' | 'keepttl' | 'persist' | ExpiryWord;
  amount: string;
}

const SHARED_WORDS = ['ex', 'px', 'exat', 'pxat'];
export const SET_OPTIONS: ReadonlySet<string> = new Set([
  ...SHARED_WORDS,
  'nx',
  'xx',
  'get',
  'keepttl',
]);
export const GETEX_OPTIONS: ReadonlySet<string> = new Set([...SHARED_WORDS, 'persist']);

const TIMES: Readonly<Record<ExpiryWord, { unit: TimeUnit; relative: boolean }>> = {
  ex: { unit: 1000, relative: true },
  px: { unit: 1, relative: true },
  exat: { unit: 1000, relative: false },
  pxat: { unit: 1, relative: false },
};

/**
 * Reads the options from args[from] on; throws SYNTAX for unknown, incomplete and contradictory
 * ones.
 */
export function parseOptions(
  words: ReadonlySet<string>,
  args: readonly string[],
  from: number,
): Options {
  const options: Options = { condition: '', get: false, expiry: '', amount: '' };
  for (let i = from; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (!words.has(word)) throw SYNTAX;
    if (word === 'get') {
      options.get = true;
    } else if (word === 'nx' || word === 'xx') {
      if (options.condition !== '' && options.condition !== word) throw SYNTAX;
      options.condition = word;
    } else {
      setExpiry(options, word as Options['expiry']);
      if (word in TIMES) options.amount = amountAt(args, ++i);
    }
  }
  return options;
}

function setExpiry(options: Options, word: Options['expiry']): void {
  if (options.expiry !== '' && options.expiry !== word) throw SYNTAX;
  options.expiry = word;
}

function amountAt(args: readonly string[], at: number): string {
  const amount = args[at];
  if (amount === undefined) throw SYNTAX;
  return amount;
}

/** The moment the options name, ms since 1970; 0 when they name none. */
export function optionDeadline(command: string, options: Options, now: number): number {
  const { expiry } = options;
  if (expiry === '' || expiry === 'keepttl' || expiry === 'persist') return 0;
  const { unit, relative } = TIMES[expiry];
  return futureDeadline(command, options.amount, unit, relative ? now : 0);
}
