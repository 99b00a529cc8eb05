// Owns: clients that write through ioredis and remember what was acknowledged, what failed for
// certain and what may have happened, so that the end state can be judged (research/raft.md 7.6).

import { Redis } from 'ioredis';

export interface Tally {
  /** Values returned by acknowledged INCRs. */
  readonly counts: number[];
  readonly pushed: Set<string>;
  readonly maybePushed: Set<string>;
  readonly set: Map<string, string>;
  unknownIncrements: number;
  definite: number;
}

const DEFINITE = /^(CLUSTERDOWN|BUSY|LOADING|OOM|MISCONF|READONLY)/;

/** A client that never sends a command twice by itself. */
export function strictClient(port: number): Redis {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    retryStrategy: () => 20,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: true,
  });
  client.on('error', () => {});
  return client;
}

export class Load {
  readonly tally: Tally = {
    counts: [],
    pushed: new Set(),
    maybePushed: new Set(),
    set: new Map(),
    unknownIncrements: 0,
    definite: 0,
  };
  readonly #clients: Redis[] = [];
  readonly #loops: Promise<void>[] = [];
  #running = true;
  #next = 0;

  /** Starts `perNode` clients on each port; `pause` ms between their commands. */
  constructor(ports: readonly number[], perNode: number, pause = 0) {
    for (const port of ports) {
      for (let i = 0; i < perNode; i++) {
        const client = strictClient(port);
        this.#clients.push(client);
        this.#loops.push(this.#loop(client, pause));
      }
    }
  }

  get acknowledged(): number {
    return this.tally.counts.length + this.tally.pushed.size + this.tally.set.size;
  }

  /** Ends the loops; commands under way end as acknowledged or unknown. */
  async stop(): Promise<Tally> {
    this.#running = false;
    const patience = new Promise<void>((resolve) => setTimeout(resolve, 15_000).unref());
    await Promise.race([Promise.all(this.#loops), patience]);
    for (const client of this.#clients) client.disconnect();
    await Promise.all(this.#loops);
    return this.tally;
  }

  async #loop(client: Redis, pause: number): Promise<void> {
    while (this.#running) {
      const n = this.#next++;
      const step = [this.#increment, this.#push, this.#store][n % 3]!;
      await step.call(this, client, n);
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #increment(client: Redis): Promise<void> {
    try {
      this.tally.counts.push(await client.incr('count'));
    } catch (error) {
      if (this.#isDefinite(error)) return;
      this.tally.unknownIncrements++;
    }
  }

  async #push(client: Redis, n: number): Promise<void> {
    const value = `v${n}`;
    try {
      await client.rpush('list', value);
      this.tally.pushed.add(value);
    } catch (error) {
      if (!this.#isDefinite(error)) this.tally.maybePushed.add(value);
    }
  }

  async #store(client: Redis, n: number): Promise<void> {
    try {
      await client.set(`key:${n}`, `value:${n}`);
      this.tally.set.set(`key:${n}`, `value:${n}`);
    } catch (error) {
      this.#isDefinite(error);
    }
  }

  #isDefinite(error: unknown): boolean {
    const definite = DEFINITE.test(error instanceof Error ? error.message : String(error));
    if (definite) this.tally.definite++;
    return definite;
  }
}

export interface Verdict {
  readonly lost: string[];
  readonly doubled: string[];
}

/** Compares what one node holds with what clients were told. */
export async function judge(port: number, tally: Tally): Promise<Verdict> {
  const client = strictClient(port);
  const lost: string[] = [];
  const doubled: string[] = [];
  const count = Number(await client.get('count'));
  const { counts, unknownIncrements, pushed, maybePushed } = tally;
  if (count < counts.length) lost.push(`count is ${count}, acknowledged ${counts.length}`);
  if (count > counts.length + unknownIncrements) {
    doubled.push(
      `count is ${count}, at most ${counts.length} + ${unknownIncrements} were asked for`,
    );
  }
  if (new Set(counts).size !== counts.length) doubled.push('two INCRs were answered the same');
  const list = await client.lrange('list', 0, -1);
  const seen = new Set(list);
  if (seen.size !== list.length)
    doubled.push(`${list.length - seen.size} values are twice in the list`);
  for (const value of pushed) if (!seen.has(value)) lost.push(`${value} is not in the list`);
  for (const value of seen) {
    if (!pushed.has(value) && !maybePushed.has(value)) doubled.push(`${value} was never pushed`);
  }
  const names = [...tally.set.keys()];
  for (let i = 0; i < names.length; i += 500) {
    const part = names.slice(i, i + 500);
    const values = await client.mget(part);
    part.forEach((name, at) => {
      if (values[at] !== tally.set.get(name)) lost.push(`${name} is ${values[at]}`);
    });
  }
  client.disconnect();
  return { lost, doubled };
}
