// Owns: a running atlasd for its whole time as a process: one life on its directories after another
// (node-life.ts). A life ends and the next begins, in the same process, when what the directories
// hold must not be used any more: the log is lost or damaged, or the node leaves its own cluster
// to be taken into another. Stopping wins over starting anew.

import type { Config } from './config/load.js';
import {
  type LifeOptions,
  NodeLife,
  type NodeParts,
  REPLICATION_LIMITS,
  type ReplicationLimits,
  type RestartOrder,
} from './node-life.js';
import type { LogOutput } from './observe/logger.js';
import { type Platform, systemPlatform } from './platform/platform.js';

export type { NodeParts, ReplicationLimits } from './node-life.js';

export class Node {
  readonly #options: LifeOptions;
  #life: NodeLife;
  #restarting: Promise<void> | null = null;
  #stopping = false;
  /** What SHUTDOWN does. */
  onShutdown: (save: boolean) => void = () => {};

  constructor(
    config: Config,
    version: string,
    logger: LogOutput,
    fatal: (error: unknown) => never,
    platform: Platform = systemPlatform,
    limits: ReplicationLimits = REPLICATION_LIMITS,
  ) {
    this.#options = {
      config,
      version,
      logger,
      fatal,
      platform,
      limits,
      shutdown: (save) => this.onShutdown(save),
      restart: (order) => this.restart(order),
    };
    this.#life = new NodeLife(this.#options);
  }

  /** For looking at from outside (test/sim); null until the node takes part. */
  get parts(): NodeParts | null {
    return this.#life.parts;
  }

  /**
   * Resolves when clients can connect. Rejects with an OperationalError for what an operator can
   * mend.
   */
  start(): Promise<void> {
    return this.#life.start();
  }

  /**
   * Ends this life and begins the next one on directories that were put aside as `order` says. A
   * second order while one is carried out is ignored.
   */
  restart(order: RestartOrder): void {
    if (this.#restarting !== null || this.#stopping) return;
    this.#options.logger.warn('Starting anew', { reason: order.reason });
    this.#restarting = this.#restart(order).then(
      () => {
        this.#restarting = null;
      },
      (error) => this.#options.fatal(error),
    );
  }

  /**
   * Takes the node down in order; resolves when the process may end. `save`: with a last snapshot.
   */
  async stop(save: boolean): Promise<void> {
    this.#stopping = true;
    await this.#restarting;
    await this.#life.stop(save);
  }

  async #restart(order: RestartOrder): Promise<void> {
    await this.#life.abandon(order);
    if (this.#stopping) return;
    this.#life = new NodeLife(this.#options);
    await this.#life.start();
  }
}
