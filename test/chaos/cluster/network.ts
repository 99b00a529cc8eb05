// Owns: the network between nodes: a namespace each, joined by a bridge, with rules that cut or
// thin single directions (iptables in the receiving namespace). Only inside the box of
// isolation.ts. Without a box: one loopback address a node and no way to cut anything.

import { run } from './shell.js';

export interface Network {
  /** True when links can be cut. */
  readonly cuttable: boolean;
  addressOf(node: number): string;
  /** What to put in front of a command so that it runs at `node`. */
  prefix(node: number): readonly string[];
  /** Makes the place of a node; again is harmless. */
  add(node: number): Promise<void>;
  /** From now on `to` receives the fraction 1 - `loss` of what `from` sends; 1 cuts, 0 heals. */
  thin(from: number, to: number, loss: number): void;
  /** Puts all changes since the last call into force. */
  apply(): Promise<void>;
  /** Heals everything; resolves when the system says that nothing is cut any more. */
  heal(): Promise<void>;
  /** Rules and connections as the system has them, for who looks at a failure. */
  describe(): Promise<string>;
}

const SUBNET = '10.77.0';

export class NamespaceNetwork implements Network {
  readonly cuttable = true;
  readonly #nodes = new Set<number>();
  /** Loss by receiver and sender. */
  readonly #loss = new Map<number, Map<number, number>>();
  readonly #changed = new Set<number>();
  /** Two runs of iptables-restore at a time could end in the order in which they did not begin. */
  #order: Promise<void> = Promise.resolve();

  static async create(): Promise<NamespaceNetwork> {
    await run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
    await run('mkdir', ['-p', '/run/netns']);
    await run('ip', ['link', 'set', 'lo', 'up']);
    await run('ip', ['link', 'add', 'br0', 'type', 'bridge']);
    await run('ip', ['addr', 'add', `${SUBNET}.254/24`, 'dev', 'br0']);
    await run('ip', ['link', 'set', 'br0', 'up']);
    return new NamespaceNetwork();
  }

  addressOf(node: number): string {
    return `${SUBNET}.${node}`;
  }

  prefix(node: number): readonly string[] {
    return ['ip', 'netns', 'exec', `n${node}`];
  }

  async add(node: number): Promise<void> {
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    const name = `n${node}`;
    await run('ip', ['netns', 'add', name]);
    const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', name];
    await run('ip', ['link', 'add', `v${node}`, ...pair]);
    await run('ip', ['link', 'set', `v${node}`, 'master', 'br0', 'up']);
    await run('ip', ['-n', name, 'addr', 'add', `${this.addressOf(node)}/24`, 'dev', 'eth0']);
    await run('ip', ['-n', name, 'link', 'set', 'eth0', 'up']);
    await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  }

  thin(from: number, to: number, loss: number): void {
    const senders = this.#loss.get(to) ?? new Map<number, number>();
    this.#loss.set(to, senders);
    senders.set(from, loss);
    this.#changed.add(to);
  }

  apply(): Promise<void> {
    const turn = this.#order.then(() => this.#restoreChanged());
    this.#order = turn.catch(() => {});
    return turn;
  }

  async heal(): Promise<void> {
    this.#loss.clear();
    for (const node of this.#nodes) this.#changed.add(node);
    await this.apply();
  }

  async describe(): Promise<string> {
    const parts = [...this.#nodes].map(async (node) => {
      const at = async (...command: string[]): Promise<string> => {
        const [program, ...args] = [...this.prefix(node), ...command];
        return run(program!, args).catch(String);
      };
      const rules = await at('iptables', '-S', 'INPUT');
      return `node-${node}\n${rules}${await at('ss', '-tnoi')}`;
    });
    return (await Promise.all(parts)).join('\n');
  }

  async #restoreChanged(): Promise<void> {
    const nodes = [...this.#changed];
    this.#changed.clear();
    await Promise.all(nodes.map((node) => this.#restore(node)));
  }

  async #restore(node: number): Promise<void> {
    const rules: string[] = [];
    for (const [from, loss] of this.#loss.get(node) ?? []) {
      if (loss <= 0) continue;
      const chance = loss >= 1 ? '' : ` -m statistic --mode random --probability ${loss}`;
      rules.push(`-A INPUT -s ${this.addressOf(from)}${chance} -j DROP`);
    }
    const table = ['*filter', ':INPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
    const [command, ...args] = [...this.prefix(node), 'iptables-restore'];
    await run(command!, args, table);
  }
}

export class LoopbackNetwork implements Network {
  readonly cuttable = false;

  addressOf(node: number): string {
    return `127.0.0.${node + 1}`;
  }

  prefix(): readonly string[] {
    return [];
  }

  add(): Promise<void> {
    return Promise.resolve();
  }

  thin(): void {}

  apply(): Promise<void> {
    return Promise.resolve();
  }

  heal(): Promise<void> {
    return Promise.resolve();
  }

  describe(): Promise<string> {
    return Promise.resolve('loopback: nothing can be cut');
  }
}
