// Owns: differential testing of commands: the same sequence to a real redis-server and to ours,
// replies compared one by one, and the data left behind compared at the end. See
// test/compat/strings.test.ts for the pattern:
//
//   const bench = await Bench.start();          // in beforeAll, with describe.skipIf(!hasOracle)
//   await bench.compare([['set', 'k', '1'], ['incr', 'k']]);
//   await bench.differential({ generators: [command('incr', key)], runs: 200, seed: 1 });
//
// Arguments are byte strings (latin1). Bench.stop() in afterAll.

import fc from 'fast-check';
import { Oracle, oracleVersion } from './oracle.js';
import { type Order, type Protocol, render, type Tree, treeOfReply } from './resp-tree.js';
import { Subject } from './subject.js';

export const hasOracle = oracleVersion() !== null;
if (!hasOracle) console.warn('redis-server not found: comparisons with it are skipped');

export type Command = readonly string[];

export interface CompareOptions {
  /** Overrides the table of replies whose order is not promised; undefined falls back to it. */
  readonly order?: (args: Command) => Order | undefined;
  /** Replies that are not compared at all (the command still runs on both sides). */
  readonly ignore?: (args: Command) => boolean;
  /** Largest allowed difference of two integer replies; 0 unless told. */
  readonly tolerance?: (args: Command) => number;
  readonly protocol?: Protocol;
  /**
   * Runs the commands in a transaction, where a 7.2 oracle's clock stands still, and gives ours the
   * same time. No command may then be refused before it runs (arity).
   */
  readonly frozen?: boolean;
  /** Keep what earlier commands left; otherwise both sides start empty. */
  readonly keep?: boolean;
}

export interface DifferentialOptions extends CompareOptions {
  /** One is picked at random for each step of a sequence. */
  readonly generators: readonly fc.Arbitrary<Command>[];
  /** Number of sequences. */
  readonly runs: number;
  readonly seed: number;
  /** Longest sequence; 30 unless told. */
  readonly length?: number;
  /** Run before each sequence, on both sides. */
  readonly setup?: readonly Command[];
}

/** HELIOS_SOAK=n: n times as many sequences, from another seed. */
const SOAK = Number(process.env.HELIOS_SOAK ?? 1);
/** Commands shown before the one that differs. */
const SHOWN_MAX = 60;
const CLOCK_KEY = '__clock__';

const UNORDERED: Readonly<Record<string, Order>> = {
  keys: 'items',
  smembers: 'items',
  sinter: 'items',
  sunion: 'items',
  sdiff: 'items',
  hkeys: 'items',
  hvals: 'items',
  hgetall: 'pairs',
  scan: 'deep',
  sscan: 'deep',
};

/** How a key's whole value is read back, by type. */
const READERS: Readonly<Record<string, (key: string) => Command>> = {
  string: (key) => ['get', key],
  list: (key) => ['lrange', key, '0', '-1'],
  set: (key) => ['smembers', key],
  hash: (key) => ['hgetall', key],
  zset: (key) => ['zrange', key, '0', '-1', 'withscores'],
};

export class Bench {
  readonly oracle: Oracle;
  readonly subject = new Subject();
  #protocol: Protocol = 2;

  private constructor(oracle: Oracle) {
    this.oracle = oracle;
  }

  static async start(): Promise<Bench> {
    return new Bench(await Oracle.start());
  }

  stop(): Promise<void> {
    return this.oracle.stop();
  }

  async reset(): Promise<void> {
    await this.oracle.send([['flushall'], ['select', '0']]);
    this.subject.reset();
  }

  /**
   * Runs the commands on both sides; throws with the whole sequence when a reply or the data left
   * differ.
   */
  async compare(commands: readonly Command[], options: CompareOptions = {}): Promise<void> {
    const difference = await this.difference(commands, options);
    if (difference !== null) throw new Error(difference);
  }

  /** Random sequences; the error shows the smallest one found that differs. */
  async differential(options: DifferentialOptions): Promise<void> {
    const sequence = fc.array(fc.oneof(...options.generators), {
      minLength: 1,
      maxLength: options.length ?? 30,
      size: 'max',
    });
    const property = fc.asyncProperty(sequence, async (commands) => {
      await this.compare([...(options.setup ?? []), ...commands], options);
    });
    const settings = { numRuns: options.runs * SOAK, seed: options.seed + SOAK - 1 };
    const result = await fc.check(property, settings);
    if (!result.failed) return;
    const cause = result.errorInstance instanceof Error ? result.errorInstance.message : '';
    throw new Error(
      `${cause}\n(seed ${result.seed}, ${result.numRuns} runs, shrunk ${result.numShrinks} times)`,
    );
  }

  /** Null when both sides agree; otherwise a description. */
  async difference(commands: readonly Command[], options: CompareOptions): Promise<string | null> {
    if (!options.keep) await this.reset();
    await this.#speak(options.protocol ?? 3);
    const found = await this.#run(commands, options);
    if (found !== null) return found;
    const readers = [['select', '0'], ['keys', '*'], ...this.#readers()];
    const left = await this.#run(readers, { ...options, frozen: false });
    return left === null ? null : `${listing(commands)}\nthen the data differ:\n${left}`;
  }

  async #run(commands: readonly Command[], options: CompareOptions): Promise<string | null> {
    const expected = options.frozen ? await this.#frozen(commands) : await this.#plain(commands);
    for (let i = 0; i < commands.length; i++) {
      const args = commands[i]!;
      const actual = treeOfReply(this.subject.execute(args), this.#protocol);
      if (options.ignore?.(args) || this.#agree(args, expected[i]!, actual, options)) continue;
      const order = orderOf(args, options);
      return (
        `${listing(commands.slice(Math.max(0, i - SHOWN_MAX), i + 1))}\n` +
        `  oracle: ${render(expected[i]!, order)}\n  ours:   ${render(actual, order)}`
      );
    }
    return null;
  }

  #plain(commands: readonly Command[]): Promise<Tree[]> {
    this.subject.now = Date.now();
    return this.oracle.send(commands);
  }

  async #frozen(commands: readonly Command[]): Promise<Tree[]> {
    const ttl = 100_000;
    const probe = [
      ['set', CLOCK_KEY, '', 'px', String(ttl)],
      ['pexpiretime', CLOCK_KEY],
      ['del', CLOCK_KEY],
    ];
    const replies = await this.oracle.send([['multi'], ...probe, ...commands, ['exec']]);
    const results = replies.at(-1)!;
    if (results.kind !== '*') throw new Error(`transaction refused:\n${listing(commands)}`);
    this.subject.now = Number(results.items[1]!.text) - ttl;
    return results.items.slice(probe.length);
  }

  #agree(args: Command, expected: Tree, actual: Tree, options: CompareOptions): boolean {
    const order = orderOf(args, options);
    if (render(expected, order) === render(actual, order)) return true;
    const tolerance = options.tolerance?.(args) ?? 0;
    if (tolerance === 0 || expected.kind !== ':' || actual.kind !== ':') return false;
    return Math.abs(Number(expected.text) - Number(actual.text)) <= tolerance;
  }

  #readers(): Command[] {
    const database = this.subject.keyspace.database(0);
    const commands: Command[] = [];
    for (const key of database.liveKeys(this.subject.now)) {
      commands.push(['type', key], ['pexpiretime', key]);
      const value = database.peek(key, this.subject.now)!;
      const type = typeof value === 'object' ? value.type : 'string';
      commands.push(READERS[type]!(key));
    }
    return commands.filter((args) => this.subject.knows(args));
  }

  async #speak(protocol: Protocol): Promise<void> {
    if (protocol === this.#protocol) return;
    await this.oracle.speak(protocol);
    this.#protocol = protocol;
  }
}

function orderOf(args: Command, options: CompareOptions): Order {
  return options.order?.(args) ?? UNORDERED[args[0]!.toLowerCase()] ?? 'exact';
}

function listing(commands: readonly Command[]): string {
  return commands.map((args) => args.map((arg) => JSON.stringify(arg)).join(' ')).join('\n');
}
