// Owns: one child process of helios-cluster: started, logged to its file, started again with a
// growing pause when it dies, stopped in an orderly way. Its standard input is a pipe that ends
// with this process (parent-watch.ts). It has its own process group, so that Ctrl-C reaches the
// launcher only and the order of stopping is ours.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';

export interface ChildSpec {
  readonly name: string;
  /** Made when missing. */
  readonly directory: string;
  readonly logFile: string;
  /** For this node binary. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ChildEvents {
  /** It ended by itself; it is started again after `pauseMs`. */
  onDeath(child: Child, reason: string, pauseMs: number): void;
  onRestart(child: Child): void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** A child that ran this long was well; the pause starts small again. */
const HEALTHY_MS = 10_000;
/** An SMTP node may take 20 s to finish the sessions it has. */
const STOP_MS = 30_000;

export class Child {
  readonly spec: ChildSpec;
  /** Times it ended by itself since it last ran well. */
  deaths = 0;
  readonly #events: ChildEvents;
  #process: ChildProcess | null = null;
  #restart: NodeJS.Timeout | null = null;
  #startedAt = 0;
  #stopping = false;

  constructor(spec: ChildSpec, events: ChildEvents) {
    this.spec = spec;
    this.#events = events;
  }

  /** 0 while it is not running. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  start(): void {
    const { spec } = this;
    mkdirSync(spec.directory, { recursive: true });
    const log = openSync(spec.logFile, 'a');
    const child = spawn(process.execPath, spec.argv, {
      stdio: ['pipe', log, log],
      env: { ...cleanEnvironment(), ...spec.env },
      detached: true,
    });
    closeSync(log);
    this.#process = child;
    this.#startedAt = performance.now();
    // A child that dies while the pipe is open gives EPIPE; its end is reported by 'exit'.
    child.stdin?.on('error', () => {});
    child.once('error', (error) => this.#ended(child, error.message));
    child.once('exit', (code, signal) => {
      this.#ended(child, signal === null ? `status ${code}` : `signal ${signal}`);
    });
  }

  #ended(child: ChildProcess, reason: string): void {
    if (this.#process !== child) return;
    this.#process = null;
    if (this.#stopping) return;
    if (performance.now() - this.#startedAt > HEALTHY_MS) this.deaths = 0;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.deaths);
    this.deaths++;
    this.#restart = setTimeout(() => {
      this.start();
      this.#events.onRestart(this);
    }, pauseMs);
    this.#events.onDeath(this, reason, pauseMs);
  }

  /** SIGTERM, and SIGKILL when that takes too long. Resolves when it is gone; never rejects. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const child = this.#process;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(force);
  }
}

/**
 * The operator's HELIOS_* variables are meant for a daemon of their own, not for all of these at
 * once.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('HELIOS_'));
  return Object.fromEntries(kept);
}
