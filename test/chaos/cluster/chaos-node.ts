// Owns: one real daemon: started in its place, killed, paused, resumed, stopped, asked. Its
// standard output goes to a file beside its data. Signals go to the one process it started, never
// by name.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Reply } from '../check/history.js';
import type { Network } from './network.js';
import { RawSession } from './raw-session.js';
import { REPOSITORY } from './repository.js';

export interface Launch {
  /** Program and arguments before the daemon's own. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface NodePlace {
  readonly number: number;
  readonly network: Network;
  readonly directory: string;
  readonly port: number;
  readonly raftPort: number;
}

const CALL_MS_MAX = 3000;

export const DAEMON: readonly string[] = [join(REPOSITORY, 'bin', 'helios-atlasd')];

export class ChaosNode {
  readonly place: NodePlace;
  readonly id: string;
  launch: Launch;
  #child: ChildProcess | null = null;
  #control: RawSession | null = null;
  paused = false;
  /** Exits that nobody asked for, for the report. */
  readonly surprises: string[] = [];
  #expected = false;

  constructor(place: NodePlace, id: string, launch: Launch) {
    this.place = place;
    this.id = id;
    this.launch = launch;
    mkdirSync(this.directory, { recursive: true });
  }

  get directory(): string {
    return join(this.place.directory, this.id);
  }

  get host(): string {
    return this.place.network.addressOf(this.place.number);
  }

  get port(): number {
    return this.place.port;
  }

  get raftAddress(): string {
    return `${this.host}:${this.place.raftPort}`;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  get logFile(): string {
    return join(this.place.directory, `${this.id}.log`);
  }

  /** Where fault-daemon.ts listens for what to do. */
  get controlFile(): string {
    return join(this.directory, 'control');
  }

  /** Returns at once, long before it accepts anybody. */
  start(): void {
    if (this.#child !== null) return;
    const { number, network, raftPort } = this.place;
    const [command, ...args] = [
      ...network.prefix(number),
      ...this.launch.command,
      `-data-dir=${join(this.directory, 'data')}`,
      `-listen=${this.host}:${this.port}`,
      `-raft-node-id=${this.id}`,
      `-raft-addr=${this.host}:${raftPort}`,
      ...this.launch.args,
    ];
    const log = openSync(this.logFile, 'a');
    const env = { ...process.env, HELIOS_CHAOS_CONTROL: this.controlFile, ...this.launch.env };
    const child = spawn(command!, args, { env, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    this.#expected = false;
    child.on('exit', (code, signal) => {
      if (this.#child === child) this.#child = null;
      this.paused = false;
      if (!this.#expected) this.surprises.push(`${this.id} ended by itself: ${signal ?? code}`);
    });
  }

  /** Sends a signal and waits for the end; at once when it does not run. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null) return Promise.resolve();
    this.#expected = true;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (this.paused && signal !== 'SIGKILL') child.kill('SIGCONT');
    child.kill(signal);
    return ended;
  }

  pause(): void {
    if (this.#child?.kill('SIGSTOP')) this.paused = true;
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
    this.paused = false;
  }

  /** One command on the harness' own connection. Rejects with ServerError or NoAnswer. */
  async ask(...command: string[]): Promise<Reply> {
    if (this.#control === null || !this.#control.usable) {
      this.#control = await RawSession.connect(this.host, this.port, CALL_MS_MAX);
    }
    return this.#control.call(command);
  }

  /** The fields of one section of INFO. */
  async info(section: string): Promise<ReadonlyMap<string, string>> {
    const text = String(await this.ask('INFO', section));
    const lines = text.split('\r\n').filter((line) => line.includes(':'));
    return new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    );
  }

  forget(): void {
    this.#control?.close();
    this.#control = null;
  }
}
