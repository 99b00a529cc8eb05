// Owns: delivery. Leases messages, hands them to the next hop, and tells the queue how it went.
// Semantics: at least once. After the next hop's 250 the ack follows at once and is repeated until
// the store answers; only a worker that dies (or stays cut off from the store beyond its lease) in
// between makes a duplicate, which the receiver can tell by X-Helios-Queue-Id.
// Invariants: no more leases than free slots; every lease ends in ack, retry, release or fail, or
// runs out.

import type { Logger } from '../observe/logger.js';
import type { Clock, Timer } from '../platform/clock.js';
import { pause, settledWithin } from './deadline.js';
import { type NextHop, SendError, type SendResult } from './next-hop.js';
import type { Lease, MailQueue, QueuedMessage, RecipientFailure } from './queue.js';
import { reasonOf } from './reason.js';
import { retryDelayMs } from './retry.js';
import { StoreUnavailable } from './store.js';

export type DeliveryResult = 'delivered' | 'retried' | 'failed' | 'lost' | 'broken';

export interface WorkerOptions {
  readonly queue: MailQueue;
  readonly nextHop: NextHop;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Node and incarnation: two lives of one node are two owners. */
  readonly owner: string;
  readonly concurrency: number;
  readonly pollMs: number;
  readonly retryScheduleMs: readonly number[];
  readonly onResult: (result: DeliveryResult, ms: number, attempt: number) => void;
  readonly onRecovered: (count: number) => void;
}

const PURGE_EVERY_MS = 60_000;
/** For giving back the leases of deliveries that were broken off. */
const ABORT_MS = 2_000;
/** A message that kills its worker is given up after this many leases beyond the schedule. */
const SPARE_ATTEMPTS = 3;

export class DeliveryWorker {
  readonly #options: WorkerOptions;
  readonly #running = new Map<string, Promise<void>>();
  /** A lease call failed: the store may have leased messages to us that we do not know of. */
  #leaseUnknown = false;
  /** The last lease filled every slot: there is more, so no need to look before the next. */
  #backlog = false;
  #stopping = false;
  #aborted = false;
  #pumping: Promise<void> | null = null;
  #pumpAgain = false;
  #timer: Timer | null = null;
  #purgeTimer: Timer | null = null;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  get active(): number {
    return this.#running.size;
  }

  start(): void {
    if (this.#options.concurrency === 0) return;
    this.#purgeTimer = this.#options.clock.every(PURGE_EVERY_MS, () => void this.#purge());
    this.poke();
  }

  /** There may be work: looks now. */
  poke(): void {
    if (this.#stopping || this.#options.concurrency === 0) return;
    if (this.#pumping !== null) {
      this.#pumpAgain = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    this.#pumping = this.#pump().finally(() => {
      this.#pumping = null;
      if (this.#pumpAgain) this.poke();
    });
  }

  /** Finishes what is running, at most `drainMs`; then breaks it off and gives the leases back. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    this.#purgeTimer?.cancel();
    await this.#pumping;
    const drained = Promise.all(this.#running.values());
    if (!(await settledWithin(this.#options.clock, drained, drainMs))) {
      this.#options.log.warn('Deliveries broken off', { count: this.#running.size });
      this.#aborted = true;
      this.#options.nextHop.close();
      await settledWithin(this.#options.clock, drained, ABORT_MS);
    }
    this.#options.nextHop.close();
  }

  async #pump(): Promise<void> {
    const { queue, clock, owner, concurrency, pollMs, log, onRecovered } = this.#options;
    let wait = pollMs;
    try {
      for (;;) {
        this.#pumpAgain = false;
        const free = concurrency - this.#running.size;
        if (this.#stopping || free <= 0) return;
        if (!this.#backlog) {
          const dueMs = await queue.nextDueMs(clock.now());
          if (dueMs !== null && dueMs > 0) wait = Math.min(pollMs, dueMs);
          if (dueMs === null || dueMs > 0) break;
        }
        if (this.#leaseUnknown) await queue.reclaim(owner, [...this.#running.keys()]);
        this.#leaseUnknown = true;
        const { leases, recovered } = await queue.lease(owner, free, clock.now());
        this.#leaseUnknown = false;
        if (recovered > 0) {
          onRecovered(recovered);
          log.warn('Took over messages whose lease ran out', { count: recovered });
        }
        for (const lease of leases) this.#begin(lease);
        this.#backlog = leases.length === free;
        if (!this.#backlog && !this.#pumpAgain) break;
      }
    } catch (error) {
      this.#pumpAgain = false;
      this.#backlog = false;
      log.debug('Looking for mail failed', { reason: reasonOf(error) });
    }
    if (!this.#stopping) this.#timer = clock.after(Math.max(wait, 5), () => this.poke());
  }

  #begin(lease: Lease): void {
    const delivery = this.#deliver(lease).finally(() => {
      // A lease lost and taken again by ourselves has the same id and a newer delivery.
      if (this.#running.get(lease.id) === delivery) this.#running.delete(lease.id);
      this.poke();
    });
    this.#running.set(lease.id, delivery);
  }

  /** Never rejects. */
  async #deliver(lease: Lease): Promise<void> {
    const { queue, clock, log, onResult } = this.#options;
    const started = clock.monotonic();
    const keepAlive = clock.every(queue.leaseMs / 3, () => void this.#extend(lease));
    let result: DeliveryResult = 'broken';
    try {
      result = this.#stopping ? await this.#giveBack(lease) : await this.#attempt(lease);
    } catch (error) {
      log.warn('Delivery broke off, the lease will run out', {
        id: lease.id,
        reason: reasonOf(error),
      });
    } finally {
      keepAlive.cancel();
      onResult(result, clock.monotonic() - started, lease.attempt);
    }
  }

  async #giveBack(lease: Lease): Promise<DeliveryResult> {
    await this.#options.queue.release(lease);
    return 'retried';
  }

  /**
   * The store went away in the middle: not the message's fault, so due again as soon as it is back.
   */
  async #putBack(lease: Lease): Promise<DeliveryResult> {
    await this.#untilKnown(() => this.#options.queue.release(lease));
    return 'retried';
  }

  async #attempt(lease: Lease): Promise<DeliveryResult> {
    const { queue, retryScheduleMs } = this.#options;
    let message: QueuedMessage | null;
    try {
      message = await queue.load(lease.id);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return this.#putBack(lease);
    }
    if (message === null) {
      return this.#giveUp(lease, 'the message is missing in the store', []);
    }
    if (lease.attempt > retryScheduleMs.length + 1 + SPARE_ATTEMPTS) {
      return this.#giveUp(lease, 'its workers died too often', message.failures);
    }
    let result: SendResult;
    try {
      result = await this.#send(message);
    } catch (error) {
      if (error instanceof StoreUnavailable) return this.#putBack(lease);
      if (!(error instanceof SendError)) throw error;
      return this.#allRefused(lease, message, error);
    }
    return this.#settleRecipients(lease, message, result);
  }

  /**
   * Rejects with SendError when the next hop is the reason, with the store's error when the store
   * is.
   */
  async #send(message: QueuedMessage): Promise<SendResult> {
    const { queue, nextHop } = this.#options;
    const { envelope, sizeBytes } = message.facts;
    let storeError: unknown = null;
    async function* body(): AsyncGenerator<Buffer> {
      try {
        for (let at = 0; at < message.parts; at += 1) yield await queue.part(message.id, at);
      } catch (error) {
        storeError = error;
        throw error;
      }
    }
    const { from, to, eightBit } = envelope;
    try {
      return await nextHop.send({ from, to, eightBit, sizeBytes, body });
    } catch (error) {
      throw storeError instanceof StoreUnavailable ? storeError : error;
    }
  }

  #allRefused(lease: Lease, message: QueuedMessage, error: SendError): Promise<DeliveryResult> {
    const { to } = message.facts.envelope;
    if (this.#aborted && error.code === 0) return this.#giveBack(lease);
    const refused = to.map((one) => ({ to: one, code: error.code, reason: error.message }));
    if (error.permanent) {
      return this.#giveUp(lease, error.message, [...message.failures, ...refused]);
    }
    return this.#later(lease, message, refused, message.failures);
  }

  async #settleRecipients(
    lease: Lease,
    message: QueuedMessage,
    result: SendResult,
  ): Promise<DeliveryResult> {
    const permanent = result.refused.filter((one) => one.code >= 500);
    const temporary = result.refused.filter((one) => one.code < 500);
    const failures = [...message.failures, ...permanent];
    if (temporary.length > 0) return this.#later(lease, message, temporary, failures);
    if (failures.length > 0) return this.#giveUp(lease, failures.at(-1)?.reason ?? '', failures);
    const done = await this.#untilKnown(() => this.#options.queue.ack(lease, message.parts));
    if (done) return 'delivered';
    this.#options.log.warn('Delivered, but the lease was lost: it may be delivered twice', {
      id: lease.id,
    });
    return 'lost';
  }

  async #later(
    lease: Lease,
    message: QueuedMessage,
    refused: readonly RecipientFailure[],
    failures: readonly RecipientFailure[],
  ): Promise<DeliveryResult> {
    const { queue, retryScheduleMs, random, log } = this.#options;
    const reason = refused.at(-1)?.reason ?? '';
    const delayMs = retryDelayMs(retryScheduleMs, lease.attempt, random);
    if (delayMs === null) {
      return this.#giveUp(lease, `no attempts left: ${reason}`, [...failures, ...refused]);
    }
    const { facts } = message;
    const to = refused.map((one) => one.to);
    const rest = { ...message, facts: { ...facts, envelope: { ...facts.envelope, to } } };
    const plan = { delayMs, reason, failures };
    const done = await this.#untilKnown(() => queue.retry(lease, rest, plan));
    log.info('Delivery put off', { id: lease.id, attempt: lease.attempt, delayMs, reason });
    return done ? 'retried' : 'lost';
  }

  async #giveUp(
    lease: Lease,
    reason: string,
    failures: readonly RecipientFailure[],
  ): Promise<DeliveryResult> {
    const { queue, log } = this.#options;
    const done = await this.#untilKnown(() => queue.fail(lease, reason, failures));
    log.warn('Message failed', { id: lease.id, attempt: lease.attempt, reason });
    return done ? 'failed' : 'lost';
  }

  /**
   * Repeats a step while the store is away: what happened at the next hop cannot be undone, only
   * recorded.
   */
  async #untilKnown(step: () => Promise<boolean>): Promise<boolean> {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || this.#aborted) throw error;
        await pause(this.#options.clock, 100);
      }
    }
  }

  async #extend(lease: Lease): Promise<void> {
    const { queue, log } = this.#options;
    try {
      if (await queue.extend(lease)) return;
      log.warn('A lease was lost while delivering', { id: lease.id });
    } catch (error) {
      log.debug('A lease was not extended', { id: lease.id, reason: reasonOf(error) });
    }
  }

  async #purge(): Promise<void> {
    const { queue, clock, log } = this.#options;
    try {
      const count = await queue.purgeFailed(clock.now());
      if (count > 0) log.info('Forgot old failed messages', { count });
    } catch (error) {
      log.debug('Purge failed', { reason: reasonOf(error) });
    }
  }
}
