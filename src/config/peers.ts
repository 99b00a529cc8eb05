// Owns: the list of members a node starts with: `id:host:port,id:host:port` in flags and
// HELIOS_RAFT_PEERS, a list of {id, address} (or of the same texts) in YAML. The node itself may be
// in it or not.

import { z } from 'zod';
import { type Endpoint, formatEndpoint, parseEndpoint, Wrong } from './endpoint.js';
import { shown } from './problem.js';

export interface Peer {
  readonly id: string;
  readonly address: Endpoint;
}

const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const EXPECTED_NODE_ID =
  'up to 64 letters, digits, dots, dashes or underscores, such as node-1';
export const EXPECTED_PEER = 'id:host:port, such as node-2:127.0.0.1:7001';

export function parseNodeId(text: string): string | Wrong {
  return NODE_ID.test(text) ? text : new Wrong(`${shown(text)} is not a node id`);
}

export function parsePeer(text: string): Peer | Wrong {
  const colon = text.indexOf(':');
  const rest = text.slice(colon + 1);
  if (colon < 0 || (!rest.includes(':') && /^[0-9]*$/.test(rest))) {
    return new Wrong(`${shown(text)} is not a peer: it has no node id`);
  }
  const id = parseNodeId(text.slice(0, colon));
  if (id instanceof Wrong) return new Wrong(`${shown(text)} is not a peer: ${id.what}`);
  const address = parseEndpoint(rest, false);
  if (address instanceof Wrong) return new Wrong(`${shown(text)} is not a peer: ${address.what}`);
  return { id, address };
}

/** Spaces around commas and one trailing comma are fine; an empty text is an empty list. */
export function parsePeers(text: string): readonly Peer[] | Wrong {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  const peers: Peer[] = [];
  for (const part of parts) {
    const peer = parsePeer(part);
    if (peer instanceof Wrong) return peer;
    peers.push(peer);
  }
  return peers;
}

export function formatPeers(peers: readonly Peer[]): string {
  return peers.map((peer) => `${peer.id}:${formatEndpoint(peer.address)}`).join(',');
}

const scalar = z.union([z.string(), z.number()]).transform(String);

/** `{id, address}` or `id:host:port` as it stands in a YAML list. */
export const yamlPeer = z.preprocess(
  splitPeer,
  z.strictObject({
    id: scalar.transform((text, context) => orIssue(parseNodeId(text), context, EXPECTED_NODE_ID)),
    address: scalar.transform((text, context) =>
      orIssue(parseEndpoint(text, false), context, 'host:port, such as 127.0.0.1:7001'),
    ),
  }),
);

/** Keys of a peer in YAML, for suggestions. */
export const PEER_KEYS = ['id', 'address'];

function splitPeer(item: unknown): unknown {
  if (typeof item !== 'string') return item;
  const colon = item.indexOf(':');
  return parsePeer(item) instanceof Wrong
    ? item
    : { id: item.slice(0, colon), address: item.slice(colon + 1) };
}

/** Hands a parsed value to zod, or tells it what was wrong and what is expected. */
export function orIssue<T>(result: T | Wrong, context: z.core.$RefinementCtx, expected: string): T {
  if (!(result instanceof Wrong)) return result;
  context.addIssue({ code: 'custom', message: `${result.what}; expected ${expected}` });
  return z.NEVER;
}
