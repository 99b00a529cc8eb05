// Owns: the lines this node puts on top of a message, and what it must know of the header below
// them. Works on latin1 text of the first part only: a header longer than one part is treated as if
// it ended there. Reference: RFC 5321 section 4.4 (trace), RFC 5322 section 3.6.

import type { MessageFacts } from './queue.js';

export const QUEUE_ID_HEADER = 'X-Helios-Queue-Id';
/** RFC 5321 section 6.3 wants at least 100. */
export const RECEIVED_MAX = 100;

export interface HeaderFacts {
  readonly hasMessageId: boolean;
  readonly hasDate: boolean;
  readonly received: number;
}

export function inspectHeader(first: Buffer): HeaderFacts {
  const text = first.toString('latin1');
  const end = /\r?\n\r?\n/.exec(text);
  const header = `\n${end === null ? text : text.slice(0, end.index)}`;
  return {
    hasMessageId: /\nmessage-id[ \t]*:/i.test(header),
    hasDate: /\ndate[ \t]*:/i.test(header),
    received: header.match(/\nreceived[ \t]*:/gi)?.length ?? 0,
  };
}

/** The lines for the top, each ended by CRLF. */
export function buildHead(
  id: string,
  facts: MessageFacts,
  options: { hostname: string; protocol: string; header: HeaderFacts },
): Buffer {
  const date = formatDate(facts.receivedAt);
  const helo = facts.helo.replace(/[^\x21-\x7e]/g, '?') || 'unknown';
  const literal = facts.clientIp.includes(':') ? `IPv6:${facts.clientIp}` : facts.clientIp;
  const lines = [
    `Received: from ${helo} ([${literal}])`,
    `\tby ${options.hostname} (Helios, node ${facts.node}) with ${options.protocol} id ${id};`,
    `\t${date}`,
    `${QUEUE_ID_HEADER}: ${id}`,
  ];
  if (!options.header.hasMessageId) lines.push(`Message-ID: <${id}@${options.hostname}>`);
  if (!options.header.hasDate) lines.push(`Date: ${date}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
}

/** RFC 5322 date in UTC. */
function formatDate(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}
