// Owns: one run of whole nodes: hosts, clients, faults, the checks, and its two ends. First all
// faults there are; then a core quorum is healed and everything else stays broken for good, and the
// core must serve; then all is healed and all must be equal. Everything is drawn from the seed.

import { OperationalError } from '../../../src/base/errors.js';
import { Rng } from '../../../src/base/rng.js';
import { keyspaceDigest } from '../../../src/commands/digest.js';
import type { LogFields } from '../../../src/observe/logger.js';
import { readLuaBinary } from '../../../src/platform/lua-binary.js';
import { allMembers } from '../../../src/raft/membership.js';
import { NO_ROSTER } from '../../../src/raft/roster.js';
import { type Atlas, mayDamage } from './atlas.js';
import { type Operation, restartConnections, SimClient } from './client.js';
import { DurableLog } from './durable-log.js';
import { type Actor, Events } from './events.js';
import { cutOff, performFault, splitOff } from './faults.js';
import { chooseCore, cutRest } from './healing.js';
import { type HostEvents, restartNumbers, SimHost, SimProcess } from './host.js';
import { digestOf, Invariants, Violation } from './invariants.js';
import { SimNet } from './net.js';
import { configOf, type NodePlace, placesOf, RAFT_PORT, RESP_PORT } from './node-config.js';
import { type Command, Operations, type Plan } from './operations.js';
import { drawOptions, isOfMembership, type Options, type ProfileName } from './options.js';
import { isOfDamage, isSetAside, suspicionOf } from './suspicions.js';
import { type Verdict, Witness } from './witness.js';

/** Election timeouts a healed group gets until it serves. */
const PATIENCE = 60;
const STRANGERS = 2;
/** Of a run that does not go round in circles. */
const EVENTS_MAX = 2_000_000;

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
  /** Ours: the first members, and the spares. */
  readonly hosts: SimHost[] = [];
  /** Members of another cluster, of the ids that our first ones have. */
  readonly strangers: SimHost[] = [];
  /** Of the faults. */
  readonly rng: Rng;
  readonly counts = new Map<string, number>();
  readonly history: Operation[] = [];
  /** Elections at which members are to die in one of their next disk operations. */
  electionTraps = 0;
  /** Is alone once somebody else stands for election. */
  cutAtElection: SimHost | null = null;
  /** The next member that is replaced leaves the group in two parts. */
  splitAtReplacement = false;
  onLine: (line: string) => void = () => {};
  readonly #invariants: Invariants;
  readonly #durable = new Map<string, { host: SimHost; durable: DurableLog }>();
  readonly #clients: SimClient[] = [];
  readonly #operations: Operations;
  readonly #clientRng: Rng;
  readonly #luaBinary: Uint8Array | null;
  readonly #probeHistories: Operation[][] = [];
  #clientNumber = 1000;
  #failure = '';
  /** A disk's bytes were changed or lost in this run. */
  #diskHarmed = false;
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
    const places = placesOf('10.0.0', this.options.nodes + this.options.spares);
    const members = places.slice(0, this.options.nodes);
    for (const place of places) {
      this.#addHost(place, members.includes(place) ? members : [], rng.uint32());
    }
    const others = placesOf('10.9.0', this.options.strangers ? STRANGERS : 0);
    for (const place of others) this.#addStranger(place, others, rng.uint32());
    this.#invariants = new Invariants(this.#durable, {
      voters: members.map(({ id }) => id),
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
      if (this.events.count > EVENTS_MAX) this.#fail(`${EVENTS_MAX} events and no end`);
      if (actor instanceof SimProcess && !actor.host.stranger) {
        this.#guard(() => this.#invariants.check(actor));
      }
    };
  }

  async run(): Promise<Outcome> {
    // Called by what probes.mjs has built into the sources.
    Object.assign(globalThis, { simProbe: (name: string) => this.count(`probe ${name}`) });
    for (const host of [...this.hosts, ...this.strangers]) {
      this.later(this.rng.below(300), () => host.start());
    }
    this.#startClients();
    if (this.options.faults.length > 0) this.#faultLater();
    await this.#runFor(this.options.durationMs, () => false);
    await this.#liveness();
    let verdict: Verdict | null = null;
    if (this.#failure === '') verdict = this.#judge();
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

  /** One of ours that is no member now; null when all are. */
  anySpare(): SimHost | null {
    const spares = this.hosts.filter((host) => !this.#isMember(host));
    return spares[this.rng.below(spares.length)] ?? null;
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

  /** The end of a fault; what is broken for good stays so. */
  healNet(): void {
    if (this.breaks) this.net.heal();
  }

  /** Starts again after a while, unless the host is to stay down. */
  startLater(host: SimHost): void {
    const wait = this.rng.below(3 * this.options.electionMs);
    this.later(wait, () => {
      if (!host.stayDown) host.start();
    });
  }

  /** Things may break still. */
  get breaks(): boolean {
    return this.#phase === 'safety';
  }

  mayDamage(host: SimHost): boolean {
    const may = this.breaks && mayDamage(host, this.#atlas());
    this.#diskHarmed ||= may;
    return may;
  }

  #atlas(): Atlas {
    const known = this.hosts.map(({ inForce }) => inForce).filter((each) => each !== null);
    const inForce = [this.#invariants.membership, ...known];
    return { hosts: this.hosts, inForce, votersChange: this.options.faults.some(isOfMembership) };
  }

  #isLastOfGroup({ id }: SimHost): boolean {
    const members = allMembers(this.#invariants.membership);
    return members.length === 1 && members[0] === id;
  }

  #isMember({ id }: SimHost): boolean {
    return allMembers(this.#invariants.membership).includes(id);
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
    if (this.#failure !== '') return;
    this.#phase = 'whole';
    this.net.heal();
    for (const host of [...this.hosts, ...this.strangers]) this.#heal(host);
    await this.#untilServing(this.hosts, 'the whole group');
    await this.#untilRebuilt();
    if (this.#failure !== '') return;
    await this.#untilAnswered();
    for (const client of this.#clients) client.close();
    await this.#runFor(100, () => false);
    await this.#untilEqual();
  }

  /** Heals a majority; what else is broken now stays so. */
  #healCore(): void {
    this.net.calm = true;
    this.#core = chooseCore(this, this.#atlas());
    const rest = this.hosts.filter((host) => !this.#core.includes(host));
    const outside = new Set(rest.map(({ address }) => address));
    this.net.heal((path) => path.split('>').some((address) => outside.has(address)));
    for (const host of this.#core) this.#heal(host);
    for (const host of rest) if (!host.running) host.stayDown = true;
    cutRest(this, this.#core, rest);
  }

  #heal(host: SimHost): void {
    host.stayDown = false;
    host.disk.calm = true;
    host.mend();
    host.resume();
    if (!host.running) host.start();
  }

  /** One leader, everybody here level with it, and fresh writes and reads at every node. */
  async #untilServing(all: readonly SimHost[], who: string): Promise<void> {
    const patience = PATIENCE * this.options.electionMs + 20_000;
    await this.#runFor(patience, () => this.#isSettled(all));
    if (this.#failure !== '') return;
    if (!this.#isSettled(all)) {
      this.#fail(`no convergence of ${who}: ${this.#describe(all)}`);
      return;
    }
    const hosts = all.filter((host) => this.#isMember(host));
    const probes = hosts.map((host) => {
      const done = this.#probe(host);
      // Its removal may have been under way.
      return (): boolean => done() || !this.#isMember(host);
    });
    await this.#runFor(patience, () => probes.every((done) => done()));
    if (this.#failure === '' && !probes.every((done) => done())) {
      this.#fail(`${who} does not serve: ${this.#describe(hosts)}`);
    }
  }

  /** Data in memory that is not the majority's is found at a checkpoint, and replaced. */
  async #untilRebuilt(): Promise<void> {
    const corrupt = (): number => {
      for (const host of this.hosts) if (host.corrupt) host.lookForCorruption();
      return this.hosts.filter((host) => host.corrupt).length;
    };
    if (this.#failure !== '' || corrupt() === 0) return;
    const history: Operation[] = [];
    // A snapshot is due when the log is half as large as the one before.
    const next = (): Plan => this.#operations.probe('rebuild', 20_000).write;
    const writer = this.#makeClient(this.hosts, next, history);
    writer.start();
    this.#probeHistories.push(history);
    await this.#runFor(60_000, () => corrupt() === 0);
    writer.stop();
    await this.#runFor(this.options.writeTimeoutMs, () => writer.idle);
    const left = corrupt();
    if (2 * left > this.hosts.length) this.count('the majority is corrupt');
    else if (this.#failure === '' && left > 0) this.#fail('corrupt data was never found');
  }

  /**
   * I18: whatever a client waits for is answered, or its connection ends. At a node outside of the
   * group each of many reads may wait for its whole time limit, one after another.
   */
  async #untilAnswered(): Promise<void> {
    const waiting = (): SimClient[] => {
      return this.#clients.filter(({ debtor }) => {
        return debtor instanceof SimProcess && this.#isMember(debtor.host);
      });
    };
    await this.#runFor(this.options.writeTimeoutMs + 5000, () => waiting().length === 0);
    const left = waiting();
    if (this.#failure !== '' || left.length === 0) return;
    this.#fail(`I18 for ever waits ${left.map((client) => client.describe()).join('\n')}`);
  }

  async #untilEqual(): Promise<void> {
    const members = this.hosts.filter((host) => this.#isMember(host));
    const indexOf = ({ awake }: SimHost): number => awake?.parts?.machine.appliedIndex ?? 0;
    // A checkpoint may be committed meanwhile.
    const applied = (): boolean =>
      members.every((host) => indexOf(host) >= this.#invariants.commitIndex);
    await this.#runFor(10_000, applied);
    if (this.#failure === '' && !applied()) {
      this.#fail(`not everybody applies everything: ${this.#describe(this.hosts)}`);
    }
  }

  /** The leader may be one that was not healed, as long as it leads. */
  #isSettled(all: readonly SimHost[]): boolean {
    const hosts = all.filter((host) => this.#isMember(host));
    const cores = hosts.map((host) => host.awake?.parts?.core);
    const term = cores[0]?.term;
    const leading = this.hosts
      .map((host) => host.awake?.parts?.core)
      .filter((core) => core?.role === 'leader' && core.term === term);
    if (leading.length !== 1) return false;
    const { id, commitIndex, lastIndex } = leading[0]!;
    if (!this.#invariants.membership.voters.includes(id)) return false;
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

  #makeHost(place: NodePlace, peers: readonly NodePlace[], seed: number): SimHost {
    const { events, net, options } = this;
    const config = configOf(place, peers, options);
    const stranger = place.address.startsWith('10.9.');
    const hooks: HostEvents = {
      onFatal: (process, error) => this.#fatal(process, error),
      onStopped: (process) => this.startLater(process.host),
      onLog: (process, level, event, fields) => this.#logged(process, level, event, fields),
    };
    return new SimHost({ ...place, events, net, options, config, hooks, seed, stranger });
  }

  #logged(process: SimProcess, level: string, event: string, fields?: LogFields): void {
    const { host } = process;
    const { damaged } = host;
    this.count(`log ${event}`);
    if (event === 'Starting election') this.#springTrap(host);
    if (isSetAside(event)) host.admitted = false;
    // With its term its promises are gone; it makes none before it is taken in under another UUID.
    if (event.startsWith('Term and vote are damaged')) this.#invariants.wiped(host.id);
    if (event === 'Ready to accept connections' && host.killThenCut && this.breaks) {
      host.killThenCut = false;
      this.later(this.rng.below(this.options.electionMs), () => {
        if (!this.breaks) return;
        host.crash(true);
        this.startLater(host);
      });
    }
    if (event === 'Member replaced' && this.splitAtReplacement && this.breaks) {
      this.splitAtReplacement = false;
      splitOff(this, host, String(fields?.member).split(' by ')[1]!);
    }
    // It throws away what it promised, as an operator wanted.
    if (event === 'Starting anew' && fields?.reason === 'RAFT.RESET') {
      host.admitted = false;
      this.#invariants.wiped(host.id);
    }
    const corrupt = this.hosts.some((each) => each.corrupt);
    // A snapshot may be that of a member whose memory is not right.
    if (event === 'Snapshot installed' && corrupt) host.corrupt = true;
    if (event.startsWith('Quarantine over')) host.lookForCorruption();
    if (event.startsWith('QUARANTINE') && corrupt) host.corrupt = true;
    const anyDisk = this.#diskHarmed || this.hosts.some(({ disk }) => disk.faults > 0);
    const suspicion = suspicionOf(event, fields, { damaged, anyDisk, corrupt });
    if (suspicion !== null) this.#fail(`${host.id} ${suspicion}`);
    this.line(`${host.id} ${level} ${event} ${JSON.stringify(fields ?? {})}`);
  }

  #addStranger(place: NodePlace, peers: readonly NodePlace[], seed: number): void {
    const host = this.#makeHost(place, peers, seed);
    this.strangers.push(host);
    host.disk.onLastOperation = () => host.crash(true);
  }

  #addHost(place: NodePlace, peers: readonly NodePlace[], seed: number): void {
    const { id } = place;
    const host = this.#makeHost(place, peers, seed);
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
      host.crash(!host.killThenCut && this.rng.below(3) > 0);
      this.count('crashed in an operation');
      this.startLater(host);
    };
  }

  #springTrap(candidate: SimHost): void {
    if (this.cutAtElection !== null && this.cutAtElection !== candidate && this.breaks) {
      cutOff(this, this.cutAtElection);
      this.cutAtElection = null;
    }
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
    const { thinkMs, burstMax, watchMs } = this.options.workload;
    return new SimClient({
      number: ++this.#clientNumber,
      events: this.events,
      net: this.net,
      rng: new Rng(this.#clientRng.uint32()),
      options: { thinkMs, burstMax, watchMs, patienceMs: 20_000, port: RESP_PORT },
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

  /** A process ended itself. A disk that was made to fail in its life is a reason; nothing else is. */
  #fatal(process: SimProcess, error: unknown): void {
    const { host } = process;
    const isDiskError = error instanceof OperationalError && error.code === 'E_DISK';
    const expected = isDiskError && host.disk.faults > process.diskFaultsBefore;
    this.line(`${host.id} fatal ${String(error)}`);
    if (host.damaged && isOfDamage(error)) {
      // What the message says: let it join again with an empty directory.
      this.count(`damage refused: ${(error as OperationalError).code}`);
      this.wipeSoon(host);
      this.startLater(host);
      return;
    }
    if (this.#isLastOfGroup(host) && (error as OperationalError).code === 'E_MEMBERS') {
      // What the message says: it is the only member left, and is started without peers.
      this.count('started without its peers');
      host.reconfigure(configOf(host, [], this.options));
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
    this.line(`failed: ${what.slice(0, 60)}`);
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
    for (const host of this.hosts) {
      const { id, process } = host;
      if (!this.#isMember(host) || host.corrupt) continue;
      if (!digestOf(process!).startsWith(replayed)) this.#fail(`${id} is not what its log says`);
    }
    return verdict;
  }
}

function isGood(reply: string | null): boolean {
  return reply !== null && reply[0] !== '-';
}
