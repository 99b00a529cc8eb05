// Owns: the command line of `npm run chaos`: what may be asked, and a clear answer to what may not.

import { parseArgs } from 'node:util';
import type { Fault } from './faults/fault.js';
import { allFaults } from './faults/nemesis.js';
import { SABOTAGE } from './sabotage.js';

export interface ChaosOptions {
  readonly minutes: number;
  readonly nodes: number;
  readonly faults: readonly Fault[];
  readonly seed: number;
  /** Seconds of load between two judgements. */
  readonly epochSeconds: number;
  readonly sabotage: string;
  readonly keep: boolean;
  readonly quiet: boolean;
  /** Longest time a fault is held, ms. */
  readonly holdMsMax: number;
}

export const USAGE = `npm run chaos -- [options]
  --minutes N    how long (1; fractions allowed)
  --nodes N      3 to 7 daemons (3)
  --faults LIST  comma-separated, or all, fast, none (all), of
                 ${allFaults.map(({ name }) => name).join(', ')}
  --seed S       choices of faults and load; timing is the machine's (drawn)
  --epoch N      seconds of load between two judgements (60)
  --hold N       longest time a fault is held, seconds (60)
  --sabotage X   break the daemons on purpose and see it found (none):
                 ${Object.keys(SABOTAGE).join(', ')}
  --keep         keep data and logs also of a good run
  --quiet        only the result
Exit code: 0 nothing wrong; 1 something lost, doubled, stale or broken; 2 wrong arguments;
4 too much of the history could not be decided.`;

function numberIn(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (text !== '' && value >= low && value <= high) return value;
  throw new Error(`--${name} takes a number from ${low} to ${high}, not "${text}"`);
}

function faultsOf(list: string): readonly Fault[] {
  if (list === 'all') return allFaults;
  if (list === 'none') return [];
  if (list === 'fast') return allFaults.filter(({ fast }) => fast);
  return list.split(',').map((name) => {
    const fault = allFaults.find((each) => each.name === name);
    if (fault !== undefined) return fault;
    const known = allFaults.map((each) => each.name).join(', ');
    throw new Error(`--faults: "${name}" is none of ${known}`);
  });
}

/** Throws an Error that says what is wrong with the arguments. */
export function parseOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      nodes: { type: 'string', default: '3' },
      faults: { type: 'string', default: 'all' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      epoch: { type: 'string', default: '60' },
      hold: { type: 'string', default: '60' },
      sabotage: { type: 'string', default: 'none' },
      keep: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
    },
  });
  if (SABOTAGE[values.sabotage] === undefined) {
    throw new Error(`--sabotage takes one of ${Object.keys(SABOTAGE).join(', ')}`);
  }
  return {
    minutes: numberIn('minutes', values.minutes, 0.05, 100_000),
    nodes: Math.floor(numberIn('nodes', values.nodes, 3, 7)),
    faults: faultsOf(values.faults),
    seed: Math.floor(numberIn('seed', values.seed, 0, 2 ** 40)),
    epochSeconds: numberIn('epoch', values.epoch, 2, 3600),
    sabotage: values.sabotage,
    keep: values.keep,
    quiet: values.quiet,
    holdMsMax: numberIn('hold', values.hold, 0.01, 600) * 1000,
  };
}
