// Owns: how the text of a parameter is read, checked and printed back, one type per kind of value.
// Refusals are the texts CONFIG SET of Redis 7.2 ends with. Nothing here knows a parameter by name.

import { parseInt64 } from '../base/numbers.js';

export type SettingValue = string | number | boolean;

/** Why a text is no value of the type. */
export class Refusal {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface SettingType {
  parse(text: string): SettingValue | Refusal;
  /** The text CONFIG GET prints. */
  format(value: SettingValue): string;
}

/** As a maximum: whatever an int64 holds. */
export const ANY_SIZE = Number.MAX_SAFE_INTEGER;

const INT64_MAX_TEXT = '9223372036854775807';

function outOfRange(min: number, max: number): Refusal {
  const top = max >= ANY_SIZE ? INT64_MAX_TEXT : String(max);
  return new Refusal(`argument must be between ${min} and ${top} inclusive`);
}

/** `yes` or `no`. */
export const BOOL: SettingType = {
  parse(text) {
    const word = text.toLowerCase();
    if (word === 'yes' || word === 'no') return word === 'yes';
    return new Refusal("argument must be 'yes' or 'no'");
  },
  format: (value) => (value === true ? 'yes' : 'no'),
};

/** Any text. */
export const TEXT: SettingType = { parse: (text) => text, format: String };

/**
 * A decimal integer in [min, max]; a `max` from 2^53 - 1 stands for the top of int64, and values
 * saturate there.
 */
export function int(min: number, max = 2 ** 31 - 1): SettingType {
  return {
    parse(text) {
      const value = parseInt64(text);
      if (value === null) return new Refusal("argument couldn't be parsed into an integer");
      const small = Number(value);
      if (small < min || (small > max && max < ANY_SIZE)) return outOfRange(min, max);
      return Math.min(small, ANY_SIZE);
    },
    format: String,
  };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

/** Bytes of a text like `100mb`, or null. `k` is 1000, `kb` 1024. Saturates at 2^53 - 1. */
export function parseMemory(text: string): number | null {
  const match = /^([0-9]+)([a-zA-Z]*)$/.exec(text);
  const unit = match === null ? undefined : UNITS[match[2]!.toLowerCase()];
  if (match === null || unit === undefined) return null;
  return Math.min(Number(match[1]) * unit, ANY_SIZE);
}

/** Bytes with an optional unit. */
export function memory(min = 0, max = ANY_SIZE): SettingType {
  return {
    parse(text) {
      const value = parseMemory(text);
      if (value === null) return new Refusal('argument must be a memory value');
      return value < min || value > max ? outOfRange(min, max) : value;
    },
    format: String,
  };
}

/** Bytes, or a share of maxmemory as `5%`, kept as the negative number of percent. */
export const MEMORY_OR_PERCENT: SettingType = {
  parse(text) {
    const percent = /^([0-9]+)%$/.exec(text);
    if (percent === null) {
      return parseMemory(text) ?? new Refusal('argument must be a memory or percent value');
    }
    const share = Number(percent[1]);
    return share <= 100 ? -share : new Refusal('percentage argument must be less or equal to 100');
  },
  format: (value) => (Number(value) < 0 ? `${-Number(value)}%` : String(value)),
};

/** One of the words, in any case. */
export function oneOf(...words: readonly string[]): SettingType {
  return {
    parse(text) {
      const word = text.toLowerCase();
      if (words.includes(word)) return word;
      return new Refusal(`argument(s) must be one of the following: ${words.join(', ')}`);
    },
    format: String,
  };
}

/** `save`: pairs of seconds and changes, both at least 1 and 0; empty for none. */
export const SAVE_POINTS: SettingType = {
  parse(text) {
    const words = text.split(' ').filter((word) => word !== '');
    if (words.length % 2 !== 0 || !words.every((word) => /^[0-9]+$/.test(word))) {
      return new Refusal('Invalid save parameters');
    }
    const badPeriod = words.some((word, i) => i % 2 === 0 && Number(word) < 1);
    return badPeriod ? new Refusal('Invalid save parameters') : words.join(' ');
  },
  format: String,
};

/** Percentiles between 0 and 100, separated by spaces. */
export const PERCENTILES: SettingType = {
  parse(text) {
    const words = text.split(' ').filter((word) => word !== '');
    const values = words.map(Number);
    if (values.some((value) => Number.isNaN(value))) {
      return new Refusal('Invalid latency-tracking-info-percentiles parameters');
    }
    if (values.some((value) => value < 0 || value > 100)) {
      const range = 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]';
      return new Refusal(range);
    }
    return values.join(' ');
  },
  format: String,
};

/**
 * Bounds of the output buffer of one class of clients: bytes, bytes, and seconds over the soft
 * bound.
 */
export interface OutputLimit {
  readonly hard: number;
  readonly soft: number;
  readonly softSeconds: number;
}

export type OutputClass = 'normal' | 'slave' | 'pubsub';

const OUTPUT_CLASSES: readonly OutputClass[] = ['normal', 'slave', 'pubsub'];

/**
 * Reads the whole text of `client-output-buffer-limit`; classes not named keep what `base` says.
 */
export function parseOutputLimits(
  text: string,
  base: ReadonlyMap<OutputClass, OutputLimit>,
): Map<OutputClass, OutputLimit> | Refusal {
  const words = text.split(' ').filter((word) => word !== '');
  if (words.length === 0 || words.length % 4 !== 0) {
    return new Refusal('Wrong number of arguments in buffer limit configuration.');
  }
  const limits = new Map(base);
  for (let i = 0; i < words.length; i += 4) {
    const word = words[i]!.toLowerCase();
    const name = OUTPUT_CLASSES.find((known) => known === (word === 'replica' ? 'slave' : word));
    if (name === undefined) {
      return new Refusal('Invalid client class specified in buffer limit configuration.');
    }
    const hard = parseMemory(words[i + 1]!);
    const soft = parseMemory(words[i + 2]!);
    const seconds = words[i + 3]!;
    if (hard === null || soft === null || !/^[0-9]{1,9}$/.test(seconds)) {
      const what = 'Error in hard, soft or soft_seconds setting in buffer limit configuration.';
      return new Refusal(what);
    }
    limits.set(name, { hard, soft, softSeconds: Number(seconds) });
  }
  return limits;
}

export function formatOutputLimits(limits: ReadonlyMap<OutputClass, OutputLimit>): string {
  return [...limits]
    .map(([name, { hard, soft, softSeconds }]) => `${name} ${hard} ${soft} ${softSeconds}`)
    .join(' ');
}

/** What `A` stands for: every class but key misses and new keys. */
const COMMON_EVENTS = 'g$lshzxetd';

/**
 * `notify-keyspace-events`: class letters, printed back in Redis' order with `A` for all common
 * ones.
 */
export const EVENT_FLAGS: SettingType = {
  parse(text) {
    if (!/^[Ag$lshzxeKEtmdn]*$/.test(text)) {
      return new Refusal("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
    const has = (letter: string): boolean => text.includes(letter);
    const all = has('A') || [...COMMON_EVENTS].every(has);
    const classes = all ? 'A' : [...`${COMMON_EVENTS}n`].filter(has).join('');
    return classes + [...'KEm'].filter(has).join('');
  },
  format: String,
};
