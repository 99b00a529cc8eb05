// Owns: one life of an atlasd on its directories: makes its parts, joins them, starts them and
// takes them down in order. Knows how they fit and nothing of what they do. node.ts begins another
// life when this one has to start anew. Order of start: disk, core, peer listener, driver, RESP
// listener. Order of stop: leadership away, accepted work done, clients closed, a last snapshot (so
// that the directory is a plain Redis one), files closed.

import { OperationalError } from './base/errors.js';
import type { LoggedRecord } from './base/log-entry.js';
import { Rng } from './base/rng.js';
import { sha1Hex } from './base/sha1.js';
import type { Config } from './config/load.js';
import { LuaInterpreter } from './lua/lua-vm.js';
import type { Machine } from './machine/machine.js';
import { originName } from './machine/origins.js';
import { at, listenOrExplain } from './node-listen.js';
import { compareMembers } from './node-members.js';
import { settingsOf, wireSettings } from './node-settings.js';
import type { LogOutput } from './observe/logger.js';
import { listenMetrics, Metrics } from './observe/metrics.js';
import type { Hello, MemberIdentity, Refusal } from './peer/handshake.js';
import { type LinkEvents, type MemberAddress, PeerLinks } from './peer/links.js';
import type { Timer } from './platform/clock.js';
import type { HttpListener } from './platform/http.js';
import type { Listener } from './platform/net.js';
import type { Platform } from './platform/platform.js';
import { RaftCore } from './raft/core.js';
import { allMembers, membershipOf } from './raft/membership.js';
import type { LeaseConfig } from './raft/read-lease.js';
import { Administration } from './replica/administration.js';
import { decodeEntry, type OpenedMember, openMember } from './replica/boot.js';
import { Contact, formatAddress, formatMembers } from './replica/bootstrap.js';
import { EntryMaker } from './replica/entry-maker.js';
import { Gatekeeper } from './replica/gatekeeper.js';
import {
  answerCounted,
  answerJoin,
  type JoinAnswer,
  type OwnStanding,
} from './replica/join-answer.js';
import { Members } from './replica/members.js';
import { Replica } from './replica/replica.js';
import { Snapshots } from './replica/snapshots.js';
import { serverCommands } from './server/commands/registry.js';
import { Instruments } from './server/instruments.js';
import { listen } from './server/listener.js';
import { MemoryPolicy } from './server/memory-policy.js';
import { RespServer } from './server/resp-server.js';
import type { LogStore } from './storage/log-store.js';

/** Why this node leaves what its directories hold, in the same process; see Node. */
export interface RestartOrder {
  /** For the log. */
  readonly reason: string;
  /**
   * `forget`: it belongs to nothing any more, and waits to be taken into a cluster. `rejoin`: it
   * comes back into its cluster under a new UUID, as a learner.
   */
  readonly kind: 'forget' | 'rejoin';
}

export interface LifeOptions {
  readonly config: Config;
  readonly version: string;
  readonly logger: LogOutput;
  readonly fatal: (error: unknown) => never;
  readonly platform: Platform;
  readonly limits: ReplicationLimits;
  readonly shutdown: (save: boolean) => void;
  readonly restart: (order: RestartOrder) => void;
}

/** The clock of one member may run this much faster than that of another; see read-lease.ts. */
const CLOCK_DRIFT_MAX = 0.1;
/** A heartbeat is this many ticks of the core. */
const TICKS_PER_HEARTBEAT = 10;
/** Bounds of replication. A simulation makes them tiny, to be at them all the time. */
export interface ReplicationLimits {
  readonly appendBytesMax: number;
  readonly inflightMessagesMax: number;
  readonly uncommittedBytesMax: number;
  /** Of a snapshot on its way, read and sent at a time. */
  readonly snapshotChunkBytes: number;
}

export const REPLICATION_LIMITS: ReplicationLimits = {
  appendBytesMax: 2 ** 20,
  inflightMessagesMax: 64,
  uncommittedBytesMax: 2 ** 30,
  snapshotChunkBytes: 2 ** 18,
};

/** The working parts of a running node. */
export interface NodeParts {
  readonly core: RaftCore<LoggedRecord>;
  readonly machine: Machine;
  readonly store: LogStore;
}

/** Of a node that has no core yet. */
const NOBODY = membershipOf([], []);
const HAND_OVER_MS_MAX = 1000;
const DRAIN_MS_MAX = 5000;
const COMMIT_MS_MAX = 2000;

export class NodeLife {
  readonly #options: LifeOptions;
  readonly #config: Config;
  readonly #logger: LogOutput;
  readonly #platform: Platform;
  readonly #gatekeeper: Gatekeeper;
  #core: RaftCore<LoggedRecord> | null = null;
  /** As this node was started with; the roster counts once there is one. */
  #known: readonly MemberAddress[] = [];
  #clusterId = '';
  #members: Members | null = null;
  #administration: Administration | null = null;
  #contact: Contact | null = null;
  #opened: OpenedMember | null = null;
  #links: PeerLinks | null = null;
  #replica: Replica | null = null;
  #snapshots: Snapshots | null = null;
  #server: RespServer | null = null;
  #listener: Listener | null = null;
  #metrics: HttpListener | null = null;
  #memoryPolicy: MemoryPolicy | null = null;
  #timer: Timer | null = null;
  #stopping = false;
  /** Taken into a cluster that exists: it starts without members of its own. */
  #joining = false;

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#logger = options.logger;
    this.#platform = options.platform;
    const { clock } = options.platform;
    this.#gatekeeper = new Gatekeeper({
      nodeId: options.config.raftNodeId,
      membership: () => this.#core?.membership ?? NOBODY,
      committed: () => this.#core?.committedMembership ?? NOBODY,
      clusterId: () => this.#clusterId,
      now: () => clock.monotonic(),
    });
  }

  /** For looking at from outside (test/sim); null until the node takes part. */
  get parts(): NodeParts | null {
    if (this.#core === null) return null;
    const { machine, store } = this.#opened!;
    return { core: this.#core, machine, store };
  }

  /**
   * Resolves when clients can connect. Rejects with an OperationalError for what an operator can
   * mend.
   */
  async start(): Promise<void> {
    const config = this.#config;
    const luaBinary = this.#platform.luaBinary();
    const opened = await openMember({
      nodeId: config.raftNodeId,
      dataDir: config.dataDir,
      raftDataDir: config.raftDataDir,
      fsync: config.aofFsync,
      segmentBytesMax: config.logSegmentSize,
      diskReserve: config.diskReserve,
      diskFreeMin: config.diskFreeMin,
      historyBytesMax: config.logHistorySize,
      alone: config.raftMembers.every(({ id }) => id === config.raftNodeId),
      lua: luaBinary === null ? null : LuaInterpreter.of(luaBinary),
      platform: this.#platform,
      logger: this.#logger.child('storage'),
      fatal: this.#options.fatal,
    });
    this.#opened = opened;
    await opened.space.start();
    this.#clusterId = opened.clusterId;
    const links = this.#makeLinks();
    this.#links = links;
    if (config.raftEnabled)
      await listenOrExplain(() => links.listen(at(config.raftAddr)), 'raft-addr');
    this.#known = await this.#settleMembers(opened);
    if (this.#stopping) return;
    this.#startReplica(opened, links);
    this.#server = this.#makeServer();
    this.#listener = await listenOrExplain(
      () => listen(this.#platform.net, this.#server!, at(config.listen)),
      'listen',
    );
    if (config.metricsEnabled) await this.#serveMetrics(this.#server);
    const { host, port } = this.#listener;
    this.#logger.info('Ready to accept connections', { address: formatAddress(host, port) });
  }

  /**
   * Takes the node down in order; resolves when the process may end. `save`: with a last snapshot.
   */
  async stop(save: boolean): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#contact?.giveUp();
    const logger = this.#logger.child('raft');
    // Resolves only when every connection is gone, so it is awaited after they are closed.
    const listenerClosed = this.#listener?.close();
    const replica = this.#replica;
    if (replica !== null) {
      if (await replica.handOver(HAND_OVER_MS_MAX)) logger.info('Leadership handed over');
      await replica.drain(DRAIN_MS_MAX);
      this.#server?.close();
      // Without a majority the end of the log is never committed: that must not keep the node here.
      if (save) await this.#snapshots!.takeLast(COMMIT_MS_MAX).catch(() => {});
      replica.stop();
    }
    await listenerClosed;
    await this.#close();
    this.#logger.info('Stopped');
  }

  /** Ends this life at once and leaves its directories as `order` says, for the next one. */
  async abandon(order: RestartOrder): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const listenerClosed = this.#listener?.close();
    this.#replica?.abandon();
    this.#server?.close();
    await listenerClosed;
    const { stable } = this.#opened!;
    const uuid = this.#platform.entropy.uuid();
    if (order.kind === 'forget') await stable.forget(uuid);
    else await stable.beginRejoin(this.#config.raftNodeId, uuid);
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    await this.#metrics?.close();
    await this.#snapshots?.close();
    await this.#links?.close();
    this.#opened?.space.stop();
    await this.#opened?.store.close();
    await this.#opened?.stable.close();
  }

  async #serveMetrics(server: RespServer): Promise<void> {
    const { host, port } = at(this.#config.metricsPort);
    const metrics = new Metrics(server).withProcessMetrics();
    const logger = this.#logger.child('metrics');
    this.#metrics = await listenOrExplain(
      () => listenMetrics({ host, port, server, metrics, logger }),
      'metrics-port',
    );
  }

  /**
   * The members this node starts with: as stored, as configured, as learned from one that contacts
   * it, or itself.
   */
  async #settleMembers(opened: OpenedMember): Promise<readonly MemberAddress[]> {
    const config = this.#config;
    const { host, port } = config.raftAdvertiseAddr;
    const self = { id: config.raftNodeId, host, port };
    const configured = config.raftMembers.map(({ id, address }) => ({ id, ...address }));
    const stored = opened.members;
    if (configured.length > 0) {
      compareMembers(configured, opened, config, this.#logger);
      if (stored.length === 0) await opened.stable.saveMembership(formatMembers(configured));
      return configured;
    }
    if (stored.length > 0 || opened.admission === 'joining') return stored;
    let members: readonly MemberAddress[] = [self];
    if (config.raftEnabled && opened.entries.length === 0 && opened.snapshot === null) {
      members = (await this.#awaitContact(opened)) ?? [self];
    }
    await opened.stable.saveMembership(formatMembers(members));
    return members;
  }

  /**
   * Waits for somebody who counts this node in. A cluster that exists takes it in as it is, and its
   * log will say who the members are.
   */
  async #awaitContact(opened: OpenedMember): Promise<readonly MemberAddress[] | null> {
    const { raftNodeId, raftBootstrapGrace } = this.#config;
    this.#contact = new Contact(raftNodeId, raftBootstrapGrace, this.#platform.clock);
    const invitation = await this.#contact.invitation;
    this.#contact = null;
    if (invitation === null) return null;
    if (invitation.clusterId !== '') await opened.stable.beginRejoin(raftNodeId, opened.uuid);
    this.#joining = invitation.clusterId !== '';
    return invitation.members;
  }

  #makeLinks(): PeerLinks {
    const logger = this.#logger.child('peer');
    const events: LinkEvents = {
      onMessage: (message) => this.#replica?.onMessage(message),
      onProposal: (from, proposal) => this.#replica?.onProposal(from, proposal),
      onDigest: (from, note) => this.#replica?.onDigest(from, note),
      onSnapshotWanted: (from, index) => this.#replica?.onSnapshotWanted(from, index),
      onDiskState: (from, state) => this.#replica?.onDiskState(from, state),
      onNack: (from, nack) => this.#replica?.onNack(from, nack),
      onUp: (member) => this.#replica?.onLinkUp(member.nodeId),
      onDown: (nodeId, way) => this.#replica?.onLinkDown(nodeId, way),
      onUnreachable: (nodeId) => this.#replica?.onUnreachable(nodeId),
      judge: (hello) => this.#judge(hello),
      isKnown: (member) => this.#gatekeeper.isKnown(member),
      judgeWelcome: (member) => this.#gatekeeper.judge(member),
      onRefused: (_id, { code }) => {
        if (code === 'removed') this.#members?.noteRemoved();
      },
      onAdminRequest: (from, request) => void this.#administration?.onRequest(from, request),
      onAdminResponse: (response) => this.#administration?.onResponse(response),
      onBulkFrame: (link, kind, body) => this.#snapshots?.receiver.onFrame(link, kind, body),
      onBulkClose: (link) => this.#snapshots?.receiver.onClose(link),
      onNotice: (text) => logger.warn(text),
    };
    return new PeerLinks({
      nodeId: this.#config.raftNodeId,
      self: () => this.#selfDescription(),
      net: this.#platform.net,
      clock: this.#platform.clock,
      decodeEntry,
      events,
    });
  }

  /** Before there is a core a node only waits for somebody who counts it in. */
  #judge(hello: Hello): Refusal | null {
    if (hello.kind === 'join' && this.#core !== null) {
      return this.#carryOut(answerJoin(hello, this.#ownStanding()));
    }
    const refusal = this.#gatekeeper.judgeHello(hello);
    if (refusal === null) this.#contact?.offer(hello);
    else if (this.#core !== null) {
      const answer = answerCounted(hello, this.#ownStanding());
      if (answer !== null) return this.#carryOut(answer);
    }
    return refusal;
  }

  #carryOut({ refusal, leave }: JoinAnswer): Refusal | null {
    const reason = 'counted in by a cluster, and its own cluster of one is empty';
    if (leave) this.#options.restart({ reason, kind: 'forget' });
    return refusal;
  }

  #ownStanding(): OwnStanding {
    const core = this.#core!;
    const { raftNodeId: nodeId } = this.#config;
    const members = allMembers(core.membership);
    const tail = core.tailFrom(1);
    const written = tail.length < core.lastIndex || tail.some(({ kind }) => kind === 'batch');
    return {
      nodeId,
      clusterId: this.#clusterId || core.membership.roster.clusterId,
      admission: core.admission,
      alone: members.length === 1 && members[0] === nodeId,
      written,
    };
  }

  #selfDescription(): MemberIdentity {
    if (this.#members !== null) return this.#members.identity();
    const { raftNodeId: nodeId, advertiseAddr, raftAdvertiseAddr } = this.#config;
    return {
      nodeId,
      uuid: this.#opened!.uuid,
      clusterId: this.#clusterId,
      standing: this.#opened!.admission,
      respAddress: formatAddress(advertiseAddr.host, advertiseAddr.port),
      raftAddress: formatAddress(raftAdvertiseAddr.host, raftAdvertiseAddr.port),
      members: '',
    };
  }

  #startReplica(opened: OpenedMember, links: PeerLinks): void {
    const config = this.#config;
    const nodeId = config.raftNodeId;
    const logger = this.#logger.child('raft');
    const { clock, disk, net, entropy } = this.#platform;
    const maker = new EntryMaker(clock, entropy);
    maker.noteTime(opened.machine.time);
    for (const entry of opened.entries) maker.noteTime(entry.body.record.time);
    const core = this.#makeCore(opened, maker);
    this.#core = core;
    const members = this.#makeMembers(opened, core, links);
    const administration = this.#makeAdministration(core, links, members);
    const snapshots = new Snapshots({
      policy: {
        intervalWrites: config.snapshotIntervalCmds,
        intervalMs: config.snapshotIntervalTime,
        intervalMsMin: config.snapshotMinInterval,
        entriesKept: config.raftSnapshotThreshold,
      },
      core,
      machine: opened.machine,
      store: opened.store,
      newest: opened.snapshot,
      ...{ disk, net, clock, logger, space: opened.space },
      chunkBytes: this.#options.limits.snapshotChunkBytes,
      self: () => members.identity(),
      addressOf: (id) => members.endpointOf(id),
    });
    opened.machine.onBug = (command, error) => {
      logger.error('Bug in a command', { command, error: String(error) });
    };
    const replica = new Replica({
      settings: {
        nodeId,
        origin: originName(nodeId, opened.uuid),
        incarnation: opened.incarnation,
        raftEnabled: config.raftEnabled,
        respAddress: members.identity().respAddress,
        tickMs: this.#tickMs,
        stallTicks: this.#electionTicks,
        requestTimeoutMs: config.writeTimeout,
        leaseReads: config.raftLeaseReads,
      },
      core,
      machine: opened.machine,
      storage: {
        saveHardState: ({ term, vote }) => opened.stable.saveHardState(term, vote),
        appendRecords: (records, done) => opened.store.append(records, done),
        saveAdmitted: () => opened.stable.saveAdmitted(),
        fsyncLatency: () => opened.store.fsyncMicros,
      },
      links,
      space: opened.space,
      snapshots,
      members,
      administration,
      clock,
      maker,
      logger,
      onTurnEnd: () => this.#turnEnded(),
      fatal: (error) => this.#failed(error),
    });
    this.#snapshots = snapshots;
    this.#replica = replica;
    members.follow();
    replica.start();
  }

  #makeAdministration(
    core: RaftCore<LoggedRecord>,
    links: PeerLinks,
    members: Members,
  ): Administration {
    const { net, clock } = this.#platform;
    const administration = new Administration({
      nodeId: this.#config.raftNodeId,
      core,
      links,
      members,
      net,
      clock,
      logger: this.#logger.child('raft'),
      reset: (reason) => this.#options.restart({ reason, kind: 'forget' }),
      schedule: () => this.#replica?.schedule(),
    });
    this.#administration = administration;
    return administration;
  }

  #makeMembers(opened: OpenedMember, core: RaftCore<LoggedRecord>, links: PeerLinks): Members {
    const { raftNodeId: nodeId, advertiseAddr, raftAdvertiseAddr } = this.#config;
    const { clock, entropy } = this.#platform;
    const { stable, uuid } = opened;
    const members = new Members({
      nodeId,
      uuid,
      respAddress: formatAddress(advertiseAddr.host, advertiseAddr.port),
      raftAddress: formatAddress(raftAdvertiseAddr.host, raftAdvertiseAddr.port),
      known: this.#known,
      core,
      gatekeeper: this.#gatekeeper,
      links,
      clusterId: () => this.#clusterId,
      newUuid: () => entropy.uuid(),
      onCommitted: (clusterId, list) => {
        this.#clusterId = clusterId;
        const saved = [
          stable.saveMembership(list),
          stable.saveIdentity({ clusterId, nodeId, uuid }),
        ];
        Promise.all(saved).catch(this.#options.fatal);
      },
      now: () => clock.monotonic(),
      logger: this.#logger.child('raft'),
    });
    this.#members = members;
    return members;
  }

  /** A member of several whose log contradicts the others' comes back anew; the rest is fatal. */
  #failed(error: unknown): void {
    const lost = error instanceof OperationalError && error.code === 'E_LOG_LOST';
    const others = allMembers(this.#core!.membership).length > 1;
    if (!lost || !others) this.#options.fatal(error);
    this.#options.restart({ reason: (error as OperationalError).message, kind: 'rejoin' });
  }

  #turnEnded(): void {
    this.#memoryPolicy?.check();
    this.#server?.flushOutputs();
  }

  get #tickMs(): number {
    return Math.max(1, this.#config.raftHeartbeatTimeout / TICKS_PER_HEARTBEAT);
  }

  get #electionTicks(): number {
    return Math.ceil(this.#config.raftElectionTimeout / this.#tickMs);
  }

  #lease(): LeaseConfig {
    const promiseMs = this.#config.raftElectionTimeout;
    const durationMs = promiseMs / (1 + CLOCK_DRIFT_MAX);
    return { durationMs, promiseMs, startedAt: this.#platform.clock.monotonic() };
  }

  #makeCore(opened: OpenedMember, maker: EntryMaker): RaftCore<LoggedRecord> {
    const config = this.#config;
    const admission = this.#joining ? 'joining' : opened.admission;
    const voters = admission === 'joining' ? [] : this.#known.map(({ id }) => id);
    const initial = { index: 0, term: 0, membership: membershipOf(voters, []) };
    return new RaftCore<LoggedRecord>(
      {
        id: config.raftNodeId,
        uuid: opened.uuid,
        electionTicks: this.#electionTicks,
        heartbeatTicks: TICKS_PER_HEARTBEAT,
        ...this.#options.limits,
        ...(config.raftLeaseReads ? { lease: this.#lease() } : {}),
      },
      {
        hardState: opened.hardState,
        snapshot: opened.snapshot ?? initial,
        entries: opened.entries,
        admission,
        firstRoster: (membership) => this.#members!.firstRoster(membership),
      },
      new Rng(this.#platform.entropy.seed48()),
      (kind, index, term, membership) => {
        const chunks = membership === null ? [] : [Buffer.from(JSON.stringify(membership))];
        return maker.make({ index, term, kind, runs: [] }, chunks);
      },
    );
  }

  #makeServer(): RespServer {
    const config = this.#config;
    const settings = settingsOf(config);
    const { clock, entropy, process } = this.#platform;
    const server = new RespServer({
      clock,
      group: this.#replica!,
      settings,
      instruments: new Instruments(settings, process, {
        version: this.#options.version,
        runId: entropy.bytes(20).toString('hex'),
        replicationId: sha1Hex(this.#known.map(({ id }) => id).join(',')),
        configFile: config.configFile,
      }),
      commands: [...serverCommands.values()],
      seed: entropy.seed48(),
      shutdown: ({ save }) => this.#options.shutdown(save),
      warn: (message) => this.#logger.child('server').warn(message),
    });
    const memoryPolicy = new MemoryPolicy(server, new Rng(entropy.seed48()));
    this.#memoryPolicy = memoryPolicy;
    this.#timer = clock.every(500, () => memoryPolicy.tick());
    const store = this.#opened!.store;
    wireSettings(settings, {
      setFsync: (policy) => {
        store.fsync = policy;
      },
      setWriteTimeout: (ms) => {
        this.#replica!.requestTimeoutMs = ms;
      },
      reloadMemoryPolicy: () => memoryPolicy.reload(),
      logger: this.#logger,
    });
    return server;
  }
}
