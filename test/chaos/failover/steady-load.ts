// Owns: clients that write one value after the other at given nodes, as fast as these answer but
// for a short pause, and the times of the answers.

import type { ChaosNode } from '../cluster/chaos-node.js';
import { RawSession } from '../cluster/raw-session.js';

const PAUSE_MS = 1;
const TIMEOUT_MS = 15_000;

export class SteadyLoad {
  /** performance.now() of each acknowledged write. */
  readonly times: number[] = [];
  errors = 0;
  readonly #loops: Promise<void>[];
  #running = true;

  constructor(nodes: readonly ChaosNode[], clientsPerNode: number) {
    const clients = nodes.flatMap((node) => Array.from({ length: clientsPerNode }, () => node));
    this.#loops = clients.map((node, i) => this.#write(node, i));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  async #write(node: ChaosNode, client: number): Promise<void> {
    const session = await RawSession.connect(node.host, node.port, TIMEOUT_MS);
    for (let i = 0; this.#running && session.usable; i++) {
      try {
        await session.call(['SET', `failover:${client}`, String(i)]);
        this.times.push(performance.now());
      } catch {
        this.errors++;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    session.close();
  }
}
