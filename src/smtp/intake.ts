// Owns: the way of one message from the SMTP data stream into the store.
// Invariants: at most one part and what the socket has buffered is in memory; 250 is said only
// after the commit is acknowledged; after any failure the rest of the data is read and dropped, so
// the reply comes at its place. Retry semantics for the client: 451 means "not stored as far as we
// know, send again". If the store did store it and could not say so within the commit timeout, the
// second sending is a second message with another queue id.

import type { Readable } from 'node:stream';
import type { Logger } from '../observe/logger.js';
import type { Clock } from '../platform/clock.js';
import { systemEntropy } from '../platform/entropy.js';
import { buildHead, inspectHeader, RECEIVED_MAX } from './message-head.js';
import { type MailQueue, type MessageFacts, PART_BYTES } from './queue.js';
import { reasonOf } from './reason.js';
import { SmtpReply } from './smtp-reply.js';

export interface IntakeOptions {
  readonly queue: MailQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hostname: string;
  readonly maxMessageBytes: number;
}

/** What is known of a message before its data. */
export type MessageOrigin = Omit<MessageFacts, 'sizeBytes' | 'receivedAt'> & {
  /** ESMTP, ESMTPS, ESMTPSA ... (RFC 3848). */
  readonly protocol: string;
};

/** Sortable by time, unique without asking anybody: 11 characters of time, 13 of chance. */
export function newQueueId(now: number): string {
  const chance = BigInt(`0x${systemEntropy.bytes(8).toString('hex')}`);
  return `${now.toString(36).padStart(9, '0')}${chance.toString(36).padStart(13, '0')}`;
}

class MessageWriter {
  readonly #options: IntakeOptions;
  readonly #origin: MessageOrigin;
  readonly id: string;
  readonly #receivedAt: number;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #sizeBytes = 0;
  #parts = 0;
  #headDone = false;

  constructor(options: IntakeOptions, origin: MessageOrigin) {
    this.#options = options;
    this.#origin = origin;
    this.#receivedAt = options.clock.now();
    this.id = newQueueId(this.#receivedAt);
  }

  async add(chunk: Buffer): Promise<void> {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#options.maxMessageBytes) {
      const limit = this.#options.maxMessageBytes;
      throw new SmtpReply(552, `5.3.4 Message is larger than the limit of ${limit} bytes`);
    }
    this.#buffered.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes >= PART_BYTES) await this.#flushFullParts();
  }

  async finish(): Promise<void> {
    this.#addHead();
    const rest = Buffer.concat(this.#buffered);
    const facts = this.#facts();
    if (this.#parts === 0 && rest.length <= PART_BYTES) {
      await this.#options.queue.commit(this.id, facts, rest);
      return;
    }
    for (let from = 0; from < rest.length; from += PART_BYTES) {
      await this.#put(rest.subarray(from, from + PART_BYTES));
    }
    await this.#options.queue.commit(this.id, facts, this.#parts);
  }

  /** Best effort: what stays behind expires. */
  async abandon(): Promise<void> {
    this.#buffered = [];
    try {
      await this.#options.queue.discard(this.id, this.#parts);
    } catch (error) {
      const reason = reasonOf(error);
      this.#options.log.debug('intake: parts left to expire', { id: this.id, reason });
    }
  }

  async #flushFullParts(): Promise<void> {
    this.#addHead();
    const bytes = Buffer.concat(this.#buffered);
    let from = 0;
    for (; bytes.length - from >= PART_BYTES; from += PART_BYTES) {
      await this.#put(bytes.subarray(from, from + PART_BYTES));
    }
    this.#buffered = [bytes.subarray(from)];
    this.#bufferedBytes = bytes.length - from;
  }

  async #put(part: Buffer): Promise<void> {
    await this.#options.queue.putPart(this.id, this.#parts, part);
    this.#parts += 1;
  }

  #addHead(): void {
    if (this.#headDone) return;
    this.#headDone = true;
    const header = inspectHeader(Buffer.concat(this.#buffered));
    if (header.received > RECEIVED_MAX) {
      throw new SmtpReply(554, `5.4.6 Mail loop: more than ${RECEIVED_MAX} Received lines`);
    }
    const { hostname } = this.#options;
    const { protocol } = this.#origin;
    const head = buildHead(this.id, this.#facts(), { hostname, protocol, header });
    this.#buffered.unshift(head);
    this.#bufferedBytes += head.length;
  }

  #facts(): MessageFacts {
    const { envelope, node, clientIp, helo, user } = this.#origin;
    const { sizeBytes, receivedAt } = { sizeBytes: this.#sizeBytes, receivedAt: this.#receivedAt };
    return { envelope, sizeBytes, receivedAt, node, clientIp, helo, user };
  }
}

/**
 * Stores the message and replies its queue id. Rejects with SmtpReply, after the whole stream was
 * read; rejects with the stream's error when the client went away in the middle.
 */
export async function receiveMessage(
  options: IntakeOptions,
  stream: Readable,
  origin: MessageOrigin,
): Promise<string> {
  const writer = new MessageWriter(options, origin);
  let failure: unknown = null;
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      if (failure !== null) continue;
      try {
        await writer.add(chunk as Buffer);
      } catch (error) {
        failure = error;
        await writer.abandon();
      }
    }
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  try {
    if (failure !== null) throw failure;
    await writer.finish();
    return writer.id;
  } catch (error) {
    if (error instanceof SmtpReply) throw error;
    options.log.warn('intake: message refused with 451', { reason: reasonOf(error) });
    throw new SmtpReply(451, '4.3.0 The mail queue is not available now, please try again later');
  }
}
