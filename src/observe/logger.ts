// Owns: what the process says about itself. The rest of the code knows only the Logger interface;
// pino is behind it.
// An event is a short sentence without values (so it can be searched for) and the values are
// fields.
// Writing never blocks the server: output is buffered, bounded, and dropped beyond the bound.

import pino from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  /** A logger of a part of the system: `raft`, `peer`, `server`. */
  child(scope: string): Logger;
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /**
   * `text`: `2026-01-31T12:00:00.000Z [INFO] raft: Won election [votes 2 term 2]`; `json`: one
   * object a line.
   */
  readonly format: 'text' | 'json';
  /** A file to append to; empty for standard output. */
  readonly file: string;
  /** Text lines begin with the time. Default true. */
  readonly timestamps?: boolean;
}

/** The root of all loggers, and the controls of the process's one output. */
export interface LogOutput extends Logger {
  readonly level: LogLevel;
  setLevel(level: LogLevel): void;
  /** Opens the file anew, for log rotation (SIGHUP). Nothing to do on standard output. */
  reopen(): void;
  /** Writes out what is buffered, synchronously; for the last lines before the process ends. */
  flush(): void;
}

/** Bytes that may wait for a slow disk or pipe before lines are dropped. */
const PENDING_MAX = 4 * 1024 * 1024;

/** Shown for the root logger, which belongs to no part. */
const ROOT_SCOPE = 'helios';

export function createLogger(options: LogOptions): LogOutput {
  const sink = pino.destination({
    ...(options.file === '' ? { dest: 1 } : { dest: options.file, mkdir: true }),
    sync: false,
    maxLength: PENDING_MAX,
  });
  // A full disk or closed pipe must not end the process: what is lost is a line of log.
  sink.on('error', () => {});
  const target =
    options.format === 'json' ? sink : new TextStream(sink, options.timestamps ?? true);
  return new PinoOutput(
    pino(
      {
        level: options.level,
        base: null,
        messageKey: 'event',
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      target,
    ),
    sink,
    options.file !== '',
  );
}

interface Sink {
  write(line: string): boolean;
  reopen(): void;
  flushSync(): void;
}

/** Asks pino to leave level, message and fields of the last call on the stream. */
const METADATA: unique symbol = Symbol.for('pino.metadata');

/**
 * Formats text from what pino keeps of the last call (its `metadata` protocol) instead of its JSON
 * line.
 */
class TextStream {
  readonly [METADATA] = true;
  lastLevel = 0;
  lastMsg = '';
  lastObj: object = {};
  lastTime = '';
  readonly #sink: Sink;
  readonly #timestamps: boolean;

  constructor(sink: Sink, timestamps: boolean) {
    this.#sink = sink;
    this.#timestamps = timestamps;
  }

  write(_json: string): void {
    const { scope, ...fields } = this.lastObj as { scope?: string };
    const label = LEVEL_LABELS[this.lastLevel] ?? 'INFO';
    const time = this.#timestamps ? `${clockText(this.lastTime)} ` : '';
    const text = formatText(label, scope ?? ROOT_SCOPE, this.lastMsg, fields);
    this.#sink.write(`${time}${text}\n`);
  }
}

const LEVEL_LABELS: Readonly<Record<number, string>> = {
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
};

/** pino keeps the time as the JSON fragment `,"time":"..."`. */
function clockText(fragment: string): string {
  return /"([0-9T:.Z-]+)"/.exec(fragment)?.[1] ?? fragment;
}

/** One line of the text format, without time and newline. */
export function formatText(label: string, scope: string, event: string, fields: LogFields): string {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${fieldText(value)}`);
  const tail = parts.length === 0 ? '' : ` [${parts.join(' ')}]`;
  return `[${label}] ${scope}: ${event}${tail}`;
}

/**
 * Quoted as JSON when it would otherwise break the line apart: nobody can forge a line through a
 * field.
 */
function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === 'string') {
    return /^[!-Z^-~]+$/.test(value) && !value.includes('"') ? value : JSON.stringify(value);
  }
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return String(value);
}

class PinoLogger implements Logger {
  readonly #pino: pino.Logger;
  readonly #scope: string;

  constructor(root: pino.Logger, scope: string) {
    this.#pino = root;
    this.#scope = scope;
  }

  child(scope: string): Logger {
    return new PinoLogger(this.#pino, scope);
  }

  debug(event: string, fields?: LogFields): void {
    this.#pino.debug({ scope: this.#scope, ...fields }, event);
  }

  info(event: string, fields?: LogFields): void {
    this.#pino.info({ scope: this.#scope, ...fields }, event);
  }

  warn(event: string, fields?: LogFields): void {
    this.#pino.warn({ scope: this.#scope, ...fields }, event);
  }

  error(event: string, fields?: LogFields): void {
    this.#pino.error({ scope: this.#scope, ...fields }, event);
  }
}

class PinoOutput extends PinoLogger implements LogOutput {
  readonly #root: pino.Logger;
  readonly #sink: Sink;
  readonly #isFile: boolean;

  constructor(root: pino.Logger, sink: Sink, isFile: boolean) {
    super(root, ROOT_SCOPE);
    this.#root = root;
    this.#sink = sink;
    this.#isFile = isFile;
  }

  get level(): LogLevel {
    return this.#root.level as LogLevel;
  }

  setLevel(level: LogLevel): void {
    this.#root.level = level;
  }

  reopen(): void {
    if (this.#isFile) this.#sink.reopen();
  }

  flush(): void {
    try {
      this.#sink.flushSync();
    } catch {
      // Not open yet or no longer writable: there is nobody left to tell.
    }
  }
}

/** For tests and tools that want silence. */
export const silentLogger: Logger = {
  child: () => silentLogger,
  debug() {},
  info() {},
  warn() {},
  error() {},
};
