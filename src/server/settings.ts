// Owns: the current value of every parameter of CONFIG, and changing them: all pairs of one SET or
// none.
// Constructed by main; whoever has to act on a change registers `onChange`, whoever has to read a
// value on a hot path uses the fields, which always agree with the table.

import { assert } from '../base/assert.js';
import { globMatches } from '../base/glob.js';
import { COMPAT_ROWS } from './setting-compat.js';
import {
  CONNECTION_ROWS,
  DURABILITY_ROWS,
  HELIOS_ROWS,
  MEMORY_ROWS,
  OBSERVABILITY_ROWS,
  type SettingRow,
} from './setting-rows.js';
import {
  formatOutputLimits,
  type OutputClass,
  type OutputLimit,
  parseOutputLimits,
  Refusal,
  type SettingType,
  type SettingValue,
} from './setting-types.js';

/** Acts on a new value, or answers why it cannot; then nothing of the SET happened. */
export type SettingHook = (value: SettingValue) => string | null;

const MIB = 1024 * 1024;

/** Redis' own defaults: clients that only ask and answer are bounded by the query limit instead. */
const OUTPUT_LIMITS: ReadonlyMap<OutputClass, OutputLimit> = new Map([
  ['normal', { hard: 0, soft: 0, softSeconds: 0 }],
  ['slave', { hard: 256 * MIB, soft: 64 * MIB, softSeconds: 60 }],
  ['pubsub', { hard: 32 * MIB, soft: 8 * MIB, softSeconds: 60 }],
]);

const OUTPUT_LIMIT_NAME = 'client-output-buffer-limit';

type Change = readonly [row: SettingRow, value: SettingValue];

export class Settings {
  readonly #rows = new Map<string, SettingRow>();
  readonly #values = new Map<SettingRow, SettingValue>();
  readonly #hooks = new Map<string, SettingHook>();
  #outputLimits: ReadonlyMap<OutputClass, OutputLimit> = OUTPUT_LIMITS;

  /** Bytes of keys and values; 0 for no bound. */
  maxmemory = 0;
  maxclients = 0;
  /** Seconds; 0 for never. */
  idleTimeout = 0;
  requirepass = '';
  /** Bytes. */
  protoMaxBulkLength = 0;
  queryBufferLimit = 0;
  /** Microseconds; negative for off. */
  slowlogSlowerThan = 0;
  slowlogMaxLength = 0;
  /** ms; 0 for off. */
  latencyThreshold = 0;
  latencyTracking = true;
  /** Whether a new connection reads linearizably. */
  readsLinearizable = true;
  /** ms a client waits for its write before it is told the outcome is unknown. */
  writeTimeout = 0;
  /** ms a script may run before others are told BUSY. */
  busyThreshold = 0;

  constructor() {
    const outputLimits: SettingRow = {
      name: OUTPUT_LIMIT_NAME,
      type: this.#outputLimitType(),
      initial: formatOutputLimits(OUTPUT_LIMITS),
      effect: 'live',
      why: '',
    };
    const rows = [
      MEMORY_ROWS,
      CONNECTION_ROWS,
      DURABILITY_ROWS,
      OBSERVABILITY_ROWS,
      HELIOS_ROWS,
      COMPAT_ROWS,
      [outputLimits],
    ].flat();
    for (const row of rows) this.#define(row);
    this.#refresh();
  }

  /** The row of a name or alias, in any case. */
  row(name: string): SettingRow | undefined {
    return this.#rows.get(name.toLowerCase());
  }

  text(name: string): string {
    const row = this.#known(name);
    return row.type.format(this.#values.get(row)!);
  }

  number(name: string): number {
    return Number(this.#values.get(this.#known(name)));
  }

  flag(name: string): boolean {
    return this.#values.get(this.#known(name)) === true;
  }

  outputLimit(of: OutputClass): OutputLimit {
    return this.#outputLimits.get(of)!;
  }

  /**
   * Names (aliases too) and texts that a glob pattern matches, in the order of the table. CONFIG
   * GET.
   */
  matching(pattern: string): [name: string, text: string][] {
    const lower = pattern.toLowerCase();
    const found: [string, string][] = [];
    for (const [name, row] of this.#rows) {
      if (row.hidden === true && name !== lower) continue;
      if (globMatches(lower, name)) found.push([name, row.type.format(this.#values.get(row)!)]);
    }
    return found;
  }

  /** `hook` runs after each change of `name`, before CONFIG SET answers. One hook a name. */
  onChange(name: string, hook: SettingHook): void {
    const row = this.#known(name);
    assert(!this.#hooks.has(row.name), `one hook for ${row.name}`);
    this.#hooks.set(row.name, hook);
  }

  /**
   * CONFIG SET: changes all parameters or none; `pairs` alternates name and text. Null, or the
   * error to answer, letter for letter as Redis puts it.
   */
  set(pairs: readonly string[]): string | null {
    const changes: Change[] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      if (this.row(pairs[i]!) === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${pairs[i]}'`;
      }
    }
    for (let i = 0; i < pairs.length; i += 2) {
      const problem = this.#check(pairs[i]!, changes, pairs[i + 1]!);
      if (problem !== null) return failure(pairs[i]!, problem);
    }
    return this.#apply(changes);
  }

  /**
   * Takes a value at start, also for what SET refuses. Null, or what is wrong with it. No hooks
   * run.
   */
  load(name: string, text: string): string | null {
    const row = this.row(name);
    if (row === undefined) return `unknown parameter '${name}'`;
    const value = row.type.parse(text);
    if (value instanceof Refusal) return `${row.name}: ${value.reason}`;
    if (row.effect === 'fixed' && text.toLowerCase() !== row.initial)
      return `${row.name}: ${row.why}`;
    this.#values.set(row, value);
    this.#refresh();
    return null;
  }

  #define(row: SettingRow): void {
    const value = row.type.parse(row.initial);
    assert(!(value instanceof Refusal), `default of ${row.name} is valid`);
    for (const name of row.alias === undefined ? [row.name] : [row.name, row.alias]) {
      assert(!this.#rows.has(name), `parameter ${name} is defined once`);
      this.#rows.set(name, row);
    }
    this.#values.set(row, value);
  }

  #known(name: string): SettingRow {
    const row = this.#rows.get(name);
    assert(row !== undefined, `parameter ${name} exists`);
    return row;
  }

  #check(name: string, changes: Change[], text: string): string | null {
    const row = this.row(name)!;
    if (row.effect === 'start') return "can't set immutable config";
    if (row.effect === 'guarded') return "can't set protected config";
    if (changes.some(([other]) => other === row)) return 'duplicate parameter';
    const value = row.type.parse(text);
    if (value instanceof Refusal) return value.reason;
    const differs = value !== this.#values.get(row);
    if (differs && (row.effect === 'fixed' || row.effect === 'kept')) return row.why;
    changes.push([row, value]);
    return null;
  }

  #apply(changes: readonly Change[]): string | null {
    const before = changes.map(([row]): Change => [row, this.#values.get(row)!]);
    this.#store(changes);
    for (let i = 0; i < changes.length; i++) {
      const [row, value] = changes[i]!;
      const problem = this.#hooks.get(row.name)?.(value) ?? null;
      if (problem === null) continue;
      this.#store(before);
      for (const [undone, old] of before.slice(0, i)) this.#hooks.get(undone.name)?.(old);
      return failure(row.name, problem);
    }
    return null;
  }

  #store(changes: readonly Change[]): void {
    for (const [row, value] of changes) this.#values.set(row, value);
    this.#refresh();
  }

  /** Brings the fields up to the table. */
  #refresh(): void {
    this.maxmemory = this.number('maxmemory');
    this.maxclients = this.number('maxclients');
    this.idleTimeout = this.number('timeout');
    this.requirepass = this.text('requirepass');
    this.protoMaxBulkLength = this.number('proto-max-bulk-len');
    this.queryBufferLimit = this.number('client-query-buffer-limit');
    this.slowlogSlowerThan = this.number('slowlog-log-slower-than');
    this.slowlogMaxLength = this.number('slowlog-max-len');
    this.latencyThreshold = this.number('latency-monitor-threshold');
    this.latencyTracking = this.flag('latency-tracking');
    this.readsLinearizable = this.text('helios-default-read-level') === 'linearizable';
    this.writeTimeout = this.number('helios-write-timeout-ms');
    this.busyThreshold = this.number('busy-reply-threshold');
    const limits = parseOutputLimits(this.text(OUTPUT_LIMIT_NAME), this.#outputLimits);
    assert(!(limits instanceof Refusal), 'stored output limits are valid');
    this.#outputLimits = limits;
  }

  /** A SET may name some classes only, so what it means depends on the value before. */
  #outputLimitType(): SettingType {
    return {
      parse: (text) => {
        const limits = parseOutputLimits(text, this.#outputLimits);
        return limits instanceof Refusal ? limits : formatOutputLimits(limits);
      },
      format: String,
    };
  }
}

function failure(name: string, problem: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`;
}
