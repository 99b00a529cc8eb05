// Owns: one run of whole nodes: hosts, clients, faults, the checks, and its two ends. First all
// faults there are; then a core quorum is healed and everything else stays broken for good, and the
// core must serve; then all is healed and all must be equal. Everything is drawn from the seed.

import { OperationalError } from '../../../src/base/errors.js';
import { Rng } from '../../../src/base/rng.js';
import { keyspaceDigest } from '../../../src/commands/digest.js';
import { type Config, loadConfig } from '../../../src/config/load.js';
import { readLuaBinary } from '../../../src/platform/lua-binary.js';
import { majority } from '../../../src/raft/quorum.js';
import { NO_ROSTER } from '../../../src/raft/roster.js';
import { type Operation, restartConnections, SimClient } from './client.js';
import { DurableLog } from './durable-log.js';
import { type Actor, Events } from './events.js';
import { performFault } from './faults.js';
import { type HostEvents, restartNumbers, SimHost, SimProcess } from './host.js';
import { digestOf, Invariants, Violation } from './invariants.js';
import { SimNet } from './net.js';
import { type Command, Operations, type Plan } from './operations.js';
import { drawOptions, MEMBERSHIP, type Options, type ProfileName } from './options.js';
import { type Verdict, Witness } from './witness.js';

const RESP_PORT = 6379;
const RAFT_PORT = 7000;
/** Election timeouts a healed group gets until it serves. */
const PATIENCE = 60;

/** Errors that say that the data is not what was written. */
const DAMAGE = new Set([
  'E_LOG_CORRUPT',
  'E_LOG_MISSING',
  'E_LOG_LOST',
  'E_MANIFEST',
  'E_RDB',
  'E_STABLE',
]);

export interface Outcome {
  readonly seed: number;
  /** Empty when all is well. */
  readonly failure: string;
  readonly trace: number;
  readonly events: number;
  /** Simulated ms. */
  readonly simulatedMs: number;
  readonly committed: number;
  readonly verdict: Verdict | null;
  readonly counts: ReadonlyMap<string, number>;
}

export class Simulation {
  readonly seed: number;
  readonly options: Options;
  readonly events = new Events();
  readonly net: SimNet;
  readonly hosts: SimHost[] = [];
  /** Of the faults. */
  readonly rng: Rng;
  readonly counts = new Map<string, number>();
  readonly history: Operation[] = [];
  /** Elections at which members are to die in one of their next disk operations. */
  electionTraps = 0;
  /** Lines for people, when somebody listens. */
  onLine: (line: string) => void = () => {};
  readonly #invariants: Invariants;
  readonly #durable = new Map<string, { host: SimHost; durable: DurableLog }>();
  readonly #clients: SimClient[] = [];
  readonly #operations: Operations;
  readonly #clientRng: Rng;
  readonly #luaBinary: Uint8Array | null;
  readonly #probeHistories: Operation[][] = [];
  #clientNumber = 1000;
  #unborn = false;
  #failure = '';
  #phase: 'safety' | 'core' | 'whole' = 'safety';
  #core: readonly SimHost[] = [];

  constructor(seed: number, profile: ProfileName, durationMs: number) {
    restartNumbers();
    restartConnections();
    this.seed = seed;
    const rng = new Rng(seed);
    this.options = drawOptions(new Rng(rng.uint32()), profile, durationMs);
    this.rng = new Rng(rng.uint32());
    this.net = new SimNet(this.events, this.options.net, new Rng(rng.uint32()));
    this.#clientRng = new Rng(rng.uint32());
    this.#operations = new Operations(this.options.workload, new Rng(rng.uint32()));
    this.#luaBinary = this.options.workload.scripts ? readLuaBinary() : null;
    const ids = Array.from({ length: this.options.nodes }, (_, i) => `n${i + 1}`);
    for (const id of ids) this.#addHost(id, ids, rng.uint32());
    this.#invariants = new Invariants(this.#durable, {
      voters: ids,
      outgoing: [],
      learners: [],
      roster: NO_ROSTER,
    });
    this.#invariants.now = () => this.events.now;
    this.net.tap = (from, to, port, bytes) => {
      if (port === RAFT_PORT) this.#guard(() => this.#invariants.sent(from, to, bytes));
    };
    this.events.onError = (actor, error) => this.#thrown(actor, error);
    this.events.afterEvent = (actor) => {
      if (actor instanceof SimProcess) this.#guard(() => this.#invariants.check(actor));
    };
  }

  async run(): Promise<Outcome> {
    for (const host of this.hosts) this.later(this.rng.below(300), () => host.start());
    this.#startClients();
    if (this.options.faults.length > 0) this.#faultLater();
    await this.#runFor(this.options.durationMs, () => false);
    await this.#liveness();
    let verdict: Verdict | null = null;
    if (this.#failure === '' && !this.#unborn) verdict = this.#judge();
    return {
      seed: this.seed,
      failure: this.#failure,
      trace: this.events.trace >>> 0,
      events: this.events.count,
      simulatedMs: Math.round(this.events.now / 1000),
      committed: this.#invariants.commitIndex,
      verdict,
      counts: this.counts,
    };
  }

  // For faults.ts.

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  later(ms: number, run: () => void): void {
    this.events.schedule(1000 * ms, this.events.world, run);
  }

  anyHost(): SimHost {
    return this.hosts[this.rng.below(this.hosts.length)]!;
  }

  leaderHost(): SimHost | null {
    let best: SimHost | null = null;
    for (const host of this.hosts) {
      const core = host.awake?.parts?.core;
      if (core?.role !== 'leader') continue;
      if (best === null || core.term > best.process!.parts!.core.term) best = host;
    }
    return best;
  }

  /** Starts again after a while, unless the host is to stay down. */
  startLater(host: SimHost): void {
    const wait = this.rng.below(3 * this.options.electionMs);
    this.later(wait, () => {
      if (!host.stayDown) host.start();
    });
  }

  get #votersChange(): boolean {
    return this.options.faults.some((fault) => MEMBERSHIP.has(fault));
  }

  /**
   * The fault atlas: what a majority acknowledged must stay on somebody's disk, so at any time only
   * a minority is damaged, and each of them must have come back whole before it counts again.
   */
  mayDamage(host: SimHost): boolean {
    if (host.damaged || !host.admitted || this.#phase !== 'safety') return false;
    if (this.#votersChange) return false;
    const hurt = this.hosts.filter((each) => each.damaged || !each.admitted).length;
    return hurt + 1 <= this.hosts.length - majority(this.hosts.length);
  }

  /** After the power cut that is under way. */
  wipeSoon(host: SimHost): void {
    this.events.schedule(1, this.events.world, () => {
      host.wipe();
      this.#invariants.wiped(host.id);
      this.#durable.get(host.id)!.durable.reread();
      this.line(`${host.id} wiped`);
    });
  }

  /** One command of an operator; the answer is nobody's business. */
  ask(host: SimHost, command: Command): void {
    const plan: Plan = { commands: [command], kind: 'read', key: '', next: () => [] };
    let asked = false;
    const client = this.#makeClient([host], () => {
      if (asked) client.stop();
      asked = true;
      return plan;
    }, []);
    client.start();
    this.later(5000, () => client.close());
  }

  // The phases.

  async #liveness(): Promise<void> {
    if (this.#failure !== '') return;
    this.#phase = 'core';
    for (const client of this.#clients) client.stop();
    this.#healCore();
    await this.#untilServing(this.#core, 'the core');
    if (this.#failure !== '' || this.#unborn) return;
    this.#phase = 'whole';
    this.net.heal();
    for (const host of this.hosts) this.#heal(host);
    await this.#untilServing(this.hosts, 'the whole group');
    if (this.#failure !== '' || this.#unborn) return;
    for (const client of this.#clients) client.close();
    await this.#runFor(100, () => false);
    await this.#untilEqual();
  }

  /** Heals a majority; what else is broken now stays so. */
  #healCore(): void {
    this.net.calm = true;
    const voters = this.hosts.filter(({ id }) => this.#invariants.membership.voters.includes(id));
    const needed = majority(voters.length);
    // One that was never admitted votes for nobody who has a log, and cannot carry the others.
    const admitted = voters.filter((host) => host.admitted);
    const from = admitted.length >= needed && !this.#votersChange ? admitted : this.hosts;
    const size =
      from === this.hosts ? from.length : needed + this.rng.below(from.length - needed + 1);
    const order = from.map((host) => ({ host, key: this.rng.uint32() }));
    order.sort((a, b) => a.key - b.key);
    this.#core = order.slice(0, size).map(({ host }) => host);
    const addresses = new Set(this.#core.map(({ address }) => address));
    const outside = (address: string): boolean =>
      !addresses.has(address) && this.hosts.some((host) => host.address === address);
    this.net.heal((path) => path.split('>').some(outside));
    for (const host of this.hosts) {
      if (this.#core.includes(host)) this.#heal(host);
      else if (!host.running) host.stayDown = true;
    }
  }

  #heal(host: SimHost): void {
    host.stayDown = false;
    host.disk.calm = true;
    host.mend();
    host.resume();
    if (!host.running) host.start();
  }

  /** One leader, everybody here level with it, and fresh writes and reads at every node. */
  async #untilServing(hosts: readonly SimHost[], who: string): Promise<void> {
    const patience = PATIENCE * this.options.electionMs + 20_000;
    await this.#runFor(patience, () => this.#isSettled(hosts));
    if (this.#failure !== '') return;
    if (!this.#isSettled(hosts)) {
      if (this.#neverBegan()) return;
      this.#fail(`no convergence of ${who}: ${this.#describe(hosts)}`);
      return;
    }
    const probes = hosts.map((host) => this.#probe(host));
    await this.#runFor(patience, () => probes.every((done) => done()));
    if (this.#failure === '' && !probes.every((done) => done())) {
      this.#fail(`${who} does not serve: ${this.#describe(hosts)}`);
    }
  }

  /**
   * A group that lost power in its very first election, with its first entry on one disk only, may
   * be left without a majority that may vote (the price of no votes from amnesia).
   */
  #neverBegan(): boolean {
    const admitted = this.hosts.filter(({ admitted }) => admitted).length;
    const never = admitted < majority(this.hosts.length) && this.#invariants.commitIndex === 0;
    if (never) this.count('never began');
    this.#unborn = never;
    return never;
  }

  async #untilEqual(): Promise<void> {
    const index = this.#invariants.commitIndex;
    const applied = (): boolean =>
      this.hosts.every((host) => (host.awake?.parts?.machine.appliedIndex ?? 0) >= index);
    await this.#runFor(10_000, applied);
    if (this.#failure === '' && !applied()) {
      this.#fail(`not everybody applies everything: ${this.#describe(this.hosts)}`);
    }
  }

  /** The leader may be one that was not healed, as long as it leads. */
  #isSettled(hosts: readonly SimHost[]): boolean {
    const cores = hosts.map((host) => host.awake?.parts?.core);
    const term = cores[0]?.term;
    const leading = this.hosts
      .map((host) => host.awake?.parts?.core)
      .filter((core) => core?.role === 'leader' && core.term === term);
    if (leading.length !== 1) return false;
    const { commitIndex, lastIndex } = leading[0]!;
    return (
      commitIndex === lastIndex &&
      cores.every((core) => core?.term === term && core?.appliedIndex === commitIndex)
    );
  }

  /** A client that writes and reads until both were answered; true once they were. */
  #probe(host: SimHost): () => boolean {
    const name = `${host.id}-${this.#phase}`;
    const history: Operation[] = [];
    const served = (kind: Plan['kind']): boolean =>
      history.some(({ plan, reply }) => plan.kind === kind && isGood(reply));
    const next = (): Plan => {
      const { write, read } = this.#operations.probe(name);
      return served('write') ? read : write;
    };
    const client = this.#makeClient([host], next, history);
    client.start();
    this.#probeHistories.push(history);
    return () => {
      const done = served('write') && served('read');
      if (done) client.stop();
      return done && client.idle;
    };
  }

  async #runFor(ms: number, done: () => boolean): Promise<void> {
    const until = this.events.now + 1000 * ms;
    let stop = false;
    const limit = this.events.schedule(1000 * ms, this.events.world, () => {
      stop = true;
    });
    await this.events.run(() => {
      return stop || this.events.now >= until || this.#failure !== '' || done();
    });
    limit.run = null;
  }

  // The parts.

  #addHost(id: string, ids: readonly string[], seed: number): void {
    const address = addressOf(id);
    const config = this.#config(id, ids);
    const { events, net, options } = this;
    const hooks: HostEvents = {
      onFatal: (process, error) => this.#fatal(process, error),
      onStopped: (process) => this.startLater(process.host),
      onLog: (process, level, event, fields) => {
        this.count(`log ${event}`);
        if (event === 'Starting election') this.#springTrap();
        const error = String(fields?.error ?? '');
        // An assertion is a bug wherever it ends up.
        if (error.startsWith('AssertionError')) this.#fail(`${process.host.id} ${event}: ${error}`);
        this.line(`${process.host.id} ${level} ${event} ${JSON.stringify(fields ?? {})}`);
      },
    };
    const host = new SimHost({ id, address, events, net, options, config, hooks, seed });
    const durable = new DurableLog(host.disk);
    this.hosts.push(host);
    this.#durable.set(id, { host, durable });
    const crash = host.crash.bind(host);
    host.crash = (powerCut) => {
      crash(powerCut);
      this.line(`${id} crashed${powerCut ? ' (power)' : ''}`);
      this.events.schedule(0, this.events.world, () => durable.reread());
    };
    host.disk.onLastOperation = () => {
      host.crash(true);
      this.count('crashed in an operation');
      this.startLater(host);
    };
  }

  #springTrap(): void {
    if (this.electionTraps === 0 || this.#phase !== 'safety') return;
    this.electionTraps--;
    for (const { running, disk } of this.hosts) {
      if (running && this.rng.below(3) > 0) {
        disk.troubles.operationsToLive = 1 + this.rng.below(6);
      }
    }
  }

  line(text: string): void {
    this.onLine(`${(this.events.now / 1000).toFixed(3)} ${text}`);
  }

  #config(id: string, ids: readonly string[]): Config {
    const { options } = this;
    const address = addressOf(id);
    const peers = ids.map((each) => `${each}:${addressOf(each)}:${RAFT_PORT}`).join(',');
    const argv = [
      '-data-dir=/data',
      `-listen=${address}:${RESP_PORT}`,
      '-raft=true',
      '-disk-reserve=0',
      `-raft-node-id=${id}`,
      `-raft-addr=${address}:${RAFT_PORT}`,
      `-raft-peers=${peers}`,
      `-raft-heartbeat-timeout=${options.heartbeatMs}ms`,
      `-raft-election-timeout=${options.electionMs}ms`,
      `-write-timeout=${options.writeTimeoutMs}ms`,
      `-raft-lease-reads=${options.leases}`,
      `-snapshot-interval-cmds=${options.snapshotWrites}`,
      `-snapshot-min-interval=${options.snapshotMinMs}ms`,
      `-raft-snapshot-threshold=${options.entriesKept}`,
    ];
    const command = loadConfig({ argv, env: {} });
    if (command.do !== 'run') throw new Error('a configuration to run');
    return { ...command.config, logSegmentSize: options.segmentBytes };
  }

  #startClients(): void {
    const { clientsPerNode } = this.options.workload;
    for (const host of this.hosts) {
      const others = this.hosts.filter((each) => each !== host);
      for (let i = 0; i < clientsPerNode; i++) {
        const next = (): Plan => this.#operations.next();
        const client = this.#makeClient([host, ...others], next, this.history);
        this.#clients.push(client);
        client.start();
      }
    }
  }

  #makeClient(targets: readonly SimHost[], nextPlan: () => Plan, history: Operation[]): SimClient {
    const { thinkMs, burstMax } = this.options.workload;
    return new SimClient({
      number: ++this.#clientNumber,
      events: this.events,
      net: this.net,
      rng: new Rng(this.#clientRng.uint32()),
      options: { thinkMs, burstMax, patienceMs: 20_000, port: RESP_PORT },
      targets: targets.map(({ address }) => address),
      nextPlan,
      history,
    });
  }

  #faultLater(): void {
    this.later(this.rng.below(2 * this.options.faultEveryMs), () => {
      if (this.#phase !== 'safety') return;
      performFault(this);
      this.#faultLater();
    });
  }

  // What goes wrong.

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#fail(error.message);
    }
  }

  #thrown(actor: Actor, error: unknown): void {
    if (actor instanceof SimProcess) actor.host.uncaught(actor, error);
    else this.#fail(`the simulator itself: ${(error as Error).stack ?? String(error)}`);
  }

  /** A process ended itself. A disk that was made to fail is a reason; nothing else is. */
  #fatal(process: SimProcess, error: unknown): void {
    const { host } = process;
    const expected = error instanceof OperationalError && error.code === 'E_DISK';
    this.line(`${host.id} fatal ${String(error)}`);
    if (host.damaged && error instanceof OperationalError && DAMAGE.has(error.code)) {
      // What the message says: let it join again with an empty directory.
      this.count(`damage refused: ${error.code}`);
      this.wipeSoon(host);
      this.startLater(host);
      return;
    }
    if (!expected) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#fail(`${host.id} ended: ${text}`);
      return;
    }
    this.count('ended by its disk');
    this.startLater(host);
  }

  #fail(what: string): void {
    if (this.#failure === '') this.#failure = what;
  }

  #describe(hosts: readonly SimHost[]): string {
    return hosts
      .map((host) => {
        const status = host.process?.parts?.core.status();
        return `${host.id} ${status === undefined ? 'down' : JSON.stringify(status)}`;
      })
      .join('\n');
  }

  /** What clients were told, and whether everybody has what the log makes of nothing. */
  #judge(): Verdict {
    const history = [...this.history, ...this.#probeHistories.flat()];
    history.sort((a, b) => a.invokedAt - b.invokedAt);
    const { committed, committedAt } = this.#invariants;
    const witness = new Witness(history, committed, committedAt, this.#luaBinary);
    const verdict = witness.judge();
    if (verdict.findings.length > 0) this.#fail(verdict.findings.join('\n'));
    const replayed = Buffer.from(keyspaceDigest(witness.replay.keyspace)).toString('hex');
    for (const { id, process } of this.hosts) {
      if (!digestOf(process!).startsWith(replayed)) this.#fail(`${id} is not what its log says`);
    }
    return verdict;
  }
}

function isGood(reply: string | null): boolean {
  return reply !== null && reply[0] !== '-';
}

function addressOf(id: string): string {
  return `10.0.0.${id.slice(1)}`;
}
