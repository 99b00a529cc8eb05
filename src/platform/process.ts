// Owns: facts about this process and host, signals, and the way out. Nobody else touches `process`
// or node:os.
// `exitFatal` is the only place that exits because something failed; `exit` the only one that exits
// in good order.

import { writeSync } from 'node:fs';
import { arch, hostname, release, totalmem, type } from 'node:os';
import { AssertionError } from '../base/assert.js';
import { OperationalError } from '../base/errors.js';

/** Bytes, as the runtime counts them now. */
export interface MemoryUse {
  /** Resident set of the process. */
  readonly rss: number;
  /** In use: JavaScript heap plus what it holds outside (buffers). */
  readonly used: number;
  readonly heapUsed: number;
  /** Reserved for the heap, used or not. */
  readonly heapTotal: number;
  /** Buffers and other memory tied to heap objects. */
  readonly external: number;
}

/** Seconds since the process started. */
export interface CpuUse {
  readonly user: number;
  readonly system: number;
}

/** What may be asked about the process; a test gives its own. */
export interface ProcessFacts {
  readonly pid: number;
  /** The running program: the script when there is one, otherwise the runtime. */
  readonly executable: string;
  readonly hostname: string;
  /** `Linux 6.1.0 x86_64`, as INFO prints it. */
  readonly os: string;
  readonly archBits: 32 | 64;
  readonly runtime: string;
  /** Bytes of memory in the machine. */
  readonly totalMemory: number;
  memory(): MemoryUse;
  cpu(): CpuUse;
  /** Seconds since the process started, with fractions. */
  uptime(): number;
  /**
   * Runs a full garbage collection when the runtime allows it; false when it does not (no --expose-
   * gc).
   */
  collectGarbage(): boolean;
}

const ARCH_NAMES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

export const systemProcess: ProcessFacts = {
  pid: process.pid,
  executable: process.argv[1] ?? process.execPath,
  hostname: hostname(),
  os: `${type()} ${release()} ${ARCH_NAMES[arch()] ?? arch()}`,
  archBits: arch() === 'ia32' || arch() === 'arm' ? 32 : 64,
  runtime: `node ${process.versions.node}`,
  totalMemory: totalmem(),
  memory() {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    return { rss, used: heapUsed + external, heapUsed, heapTotal, external };
  },
  cpu() {
    const { user, system } = process.cpuUsage();
    return { user: user / 1e6, system: system / 1e6 };
  },
  uptime: () => process.uptime(),
  collectGarbage() {
    if (globalThis.gc === undefined) return false;
    globalThis.gc();
    return true;
  },
};

export type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

/** Calls `run` at each signal until cancelled; the default action is off meanwhile. */
export function onSignal(signal: SignalName, run: () => void): { cancel(): void } {
  process.on(signal, run);
  return { cancel: () => process.off(signal, run) };
}

/** Sends every error that nobody caught, thrown or rejected, to `run`; once per process. */
export function onUncaught(run: (error: unknown) => void): void {
  process.on('uncaughtException', run);
  process.on('unhandledRejection', run);
}

/** An environment variable; undefined when unset. */
export function environment(name: string): string | undefined {
  return process.env[name];
}

/** Arguments after the script name. */
export function commandLine(): readonly string[] {
  return process.argv.slice(2);
}

/** Ends the process in good order: everything is flushed and closed by now. */
export function exit(code = 0): never {
  process.exit(code);
}

/**
 * Ends the process because it may not go on: one line on standard error for what an operator can
 * mend, the stack as well for a bug. Exit code 1 for the first, 70 (EX_SOFTWARE of sysexits) for
 * the second. Written synchronously.
 */
export function exitFatal(error: unknown): never {
  try {
    writeSync(2, `${describeFatal(error)}\n`);
  } catch {
    // Standard error is gone; the exit code still tells.
  }
  process.exit(error instanceof OperationalError ? 1 : 70);
}

/** The text `exitFatal` prints. */
export function describeFatal(error: unknown): string {
  if (error instanceof OperationalError) return `[FATAL] ${error.code}: ${error.message}`;
  if (error instanceof AssertionError) return `[FATAL] bug: ${error.stack ?? error.message}`;
  if (error instanceof Error) return `[FATAL] ${error.stack ?? error.message}`;
  return `[FATAL] ${String(error)}`;
}
