// Owns: the group of nodes of one run: made, healed, asked who leads, awaited until all agree,
// taken down.

import { mkdirSync } from 'node:fs';
import { ChaosNode, DAEMON, type Launch, type NodePlace } from './chaos-node.js';
import { LoopbackNetwork, type Network } from './network.js';
import { freePort } from './ports.js';

export interface ClusterOptions {
  readonly directory: string;
  readonly network: Network;
  readonly size: number;
  /** Daemon flags for every node. */
  readonly args: readonly string[];
  /** What starts a daemon; the real program unless a fault needs another. */
  readonly command?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

const PORT = 6379;
const RAFT_PORT = 7000;
const POLL_MS = 20;
/** Generous: the machine may be busy with other things, and only correctness is judged. */
const START_MS_MAX = 60_000;

export class ChaosCluster {
  readonly options: ClusterOptions;
  readonly network: Network;
  /** In order of their making; those that left for good are gone from it. */
  nodes: ChaosNode[] = [];
  #made = 0;

  private constructor(options: ClusterOptions) {
    this.options = options;
    this.network = options.network;
    mkdirSync(options.directory, { recursive: true });
  }

  /** Starts `size` nodes that name each other as peers. */
  static async start(options: ClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options);
    const places: NodePlace[] = [];
    for (let i = 0; i < options.size; i++) places.push(await cluster.#place());
    const peers = places
      .map(
        (place) =>
          `node-${place.number}:${options.network.addressOf(place.number)}:${place.raftPort}`,
      )
      .join(',');
    cluster.nodes = places.map(
      (place) =>
        new ChaosNode(place, `node-${place.number}`, cluster.#launch({ HELIOS_RAFT_PEERS: peers })),
    );
    for (const node of cluster.nodes) node.start();
    await cluster.leader(START_MS_MAX);
    return cluster;
  }

  /** A node that knows nobody, not started and not in `nodes`: to be added with RAFT.ADDPEER. */
  async newNode(): Promise<ChaosNode> {
    const place = await this.#place();
    return new ChaosNode(place, `node-${place.number}`, this.#launch({}));
  }

  get running(): ChaosNode[] {
    return this.nodes.filter((node) => node.running);
  }

  /** The running node that leads, once a majority of the nodes follows it. */
  leader(ms = 15_000): Promise<ChaosNode> {
    return this.eventually('a leader with a majority', ms, async () => {
      const named = await this.leadersNamed();
      for (const node of this.running) {
        const followers = [...named.values()].filter((leader) => leader === node.id).length;
        if (named.get(node.id) === node.id && followers * 2 > this.nodes.length) return node;
      }
      return null;
    });
  }

  /** Whom each node that answers holds to be the leader. */
  async leadersNamed(): Promise<Map<string, string>> {
    const named = new Map<string, string>();
    const awake = this.running.filter((node) => !node.paused);
    await Promise.all(
      awake.map(async (node) => {
        try {
          named.set(node.id, (await node.info('raft')).get('raft_leader') ?? '');
        } catch {
          node.forget();
        }
      }),
    );
    return named;
  }

  /** Everything runs and nothing is cut. */
  async heal(): Promise<void> {
    await this.network.heal();
    for (const node of this.nodes) {
      if (node.paused) node.resume();
      node.start();
    }
  }

  /** Waits until every node accepts clients and follows the same leader. */
  async ready(ms: number): Promise<void> {
    await this.eventually('all nodes follow one leader', ms, async () =>
      (await this.isWhole()) ? true : null,
    );
  }

  /** True when every node answers and names the same leader. */
  async isWhole(): Promise<boolean> {
    const named = await this.leadersNamed();
    const leaders = new Set(named.values());
    return named.size === this.nodes.length && leaders.size === 1 && !leaders.has('');
  }

  /** Waits until every node has applied the same, and returns each DEBUG DIGEST by node. */
  async digests(ms: number): Promise<Map<string, string>> {
    await this.eventually('all nodes have applied the same index', ms, async () => {
      const infos = await Promise.all(this.nodes.map((node) => node.info('raft')));
      const fields = ['raft_applied_index', 'raft_last_log_index'];
      const indexes = new Set(infos.flatMap((info) => fields.map((field) => info.get(field))));
      return indexes.size === 1 ? true : null;
    });
    const answers = await Promise.all(this.nodes.map((node) => node.ask('DEBUG', 'DIGEST')));
    return new Map(this.nodes.map((node, i) => [node.id, String(answers[i])]));
  }

  /** Polls until `check` answers something but null. */
  async eventually<T>(what: string, ms: number, check: () => Promise<T | null>): Promise<T> {
    const until = performance.now() + ms;
    let last: unknown = 'no error';
    for (;;) {
      try {
        const found = await check();
        if (found !== null) return found;
      } catch (error) {
        last = error;
        for (const node of this.nodes) node.forget();
      }
      if (performance.now() > until) {
        const found = await this.#describe();
        throw new Error(`not in ${ms} ms: ${what} (${String(last)})\n${found}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.forget();
    await Promise.all(this.nodes.map((node) => node.end('SIGKILL')));
  }

  /** For somebody who has to find out why: what each node says, what is cut, and the sockets. */
  async #describe(): Promise<string> {
    const nodes = this.nodes.map(async (node) => {
      if (!node.running || node.paused) return `${node.id}: ${node.paused ? 'paused' : 'down'}`;
      const info = await node.info('raft').catch(String);
      return `${node.id}: ${typeof info === 'string' ? info : JSON.stringify([...info])}`;
    });
    return [...(await Promise.all(nodes)), await this.network.describe()].join('\n');
  }

  async #place(): Promise<NodePlace> {
    const number = ++this.#made;
    const { network, directory } = this.options;
    await network.add(number);
    const fixed = !(network instanceof LoopbackNetwork);
    const port = fixed ? PORT : await freePort(network.addressOf(number));
    const raftPort = fixed ? RAFT_PORT : await freePort(network.addressOf(number));
    return { number, network, directory, port, raftPort };
  }

  #launch(env: NodeJS.ProcessEnv): Launch {
    const { args, command } = this.options;
    const more = { ...this.options.env, ...env };
    return { command: command ?? DAEMON, args: ['-raft=true', ...args], env: more };
  }
}
