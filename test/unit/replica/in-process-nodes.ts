// Owns: whole nodes inside the test's own process, over the system platform or a changed one, with
// their parts in reach: for faults no client could cause. Ports are free ones, data is temporary,
// and everything ends with stop().

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { loadConfig } from '../../../src/config/load.js';
import { Node, type NodeParts } from '../../../src/node.js';
import type { LogFields, LogOutput } from '../../../src/observe/logger.js';
import { type Platform, systemPlatform } from '../../../src/platform/platform.js';
import { freePorts } from '../../process/daemon.js';

/** Keeps what is logged, one text a line. */
export class KeptLog implements LogOutput {
  readonly level = 'info';
  readonly lines: string[];

  constructor(lines: string[] = []) {
    this.lines = lines;
  }

  child(): KeptLog {
    return this;
  }

  debug(): void {}

  info(event: string, fields?: LogFields): void {
    this.lines.push(`${event} ${JSON.stringify(fields ?? {})}`);
  }

  warn(event: string, fields?: LogFields): void {
    this.info(event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.info(event, fields);
  }

  setLevel(): void {}
  reopen(): void {}
  flush(): void {}
}

export interface TestNode {
  readonly id: string;
  readonly node: Node;
  readonly log: KeptLog;
  readonly client: Redis;
  readonly dataDir: string;
  readonly parts: NodeParts;
}

export class NodeGroup {
  readonly directory: string;
  readonly nodes: TestNode[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** `platformOf`: the platform of the node with this id. */
  static async start(
    size: number,
    args: readonly string[] = [],
    platformOf: (id: string) => Platform = () => systemPlatform,
  ): Promise<NodeGroup> {
    const group = new NodeGroup(mkdtempSync(join(tmpdir(), 'helios-nodes-')));
    const ports = await freePorts(2 * size);
    const ids = Array.from({ length: size }, (_, i) => `node-${i + 1}`);
    const peers = ids.map((id, i) => `${id}:127.0.0.1:${ports[2 * i + 1]}`).join(',');
    await Promise.all(
      ids.map(async (id, i) => {
        const dataDir = join(group.directory, id);
        const command = loadConfig({
          argv: [
            `-data-dir=${dataDir}`,
            `-listen=127.0.0.1:${ports[2 * i]}`,
            `-raft=${size > 1}`,
            `-raft-node-id=${id}`,
            `-raft-addr=127.0.0.1:${ports[2 * i + 1]}`,
            ...args,
          ],
          env: size > 1 ? { HELIOS_RAFT_PEERS: peers } : {},
        });
        if (command.do !== 'run') throw new Error(command.do);
        const log = new KeptLog();
        const fatal = (error: unknown): never => {
          log.error('Fatal', { error: String(error) });
          throw error;
        };
        const node = new Node(command.config, 'test', log, fatal, platformOf(id));
        await node.start();
        const client = new Redis(ports[2 * i]!, '127.0.0.1', { protocol: 2 });
        client.on('error', () => {});
        group.nodes.push({
          ...{ id, node, log, client, dataDir },
          get parts() {
            return node.parts!;
          },
        });
      }),
    );
    group.nodes.sort((x, y) => (x.id < y.id ? -1 : 1));
    return group;
  }

  async stop(): Promise<void> {
    for (const { client } of this.nodes) client.disconnect();
    await Promise.all(this.nodes.map(({ node }) => node.stop(false)));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
