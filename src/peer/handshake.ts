// Owns: how two members introduce themselves, so that nothing else is ever read from a stranger
// (architecture D10). The dialer says hello; the acceptor answers welcome, or refuse with the
// reason and closes. Bodies are JSON, checked field by field.

import { FrameKind, type FrameKindCode, frameHead } from './frame.js';

/** Raised when frames or messages change so that older members cannot read them. */
export const PROTOCOL_VERSION = 1;

/**
 * `raft` carries messages and proposals; `bulk` carries a snapshot, so that it never delays a
 * heartbeat.
 */
export type LinkKind = 'raft' | 'bulk';

export interface MemberIdentity {
  readonly nodeId: string;
  /** Made with the data directory; changes when the data is lost. */
  readonly uuid: string;
  /** Empty until the cluster is known. */
  readonly clusterId: string;
  /** Where clients reach this member, `host:port`. */
  readonly respAddress: string;
  /**
   * The members it knows, as `id=host:port` joined by commas, so that a new node can learn them
   * (architecture D11).
   */
  readonly members: string;
}

export interface Hello extends MemberIdentity {
  readonly version: number;
  readonly kind: LinkKind;
  /** The node id the dialer means to reach. */
  readonly to: string;
}

export function encodeJson(kind: FrameKindCode, value: object): Buffer {
  const json = Buffer.from(JSON.stringify(value), 'utf8');
  return Buffer.concat([frameHead(kind, json.length, 0), json]);
}

export function encodeHello(self: MemberIdentity, kind: LinkKind, to: string): Buffer {
  return encodeJson(FrameKind.hello, { version: PROTOCOL_VERSION, kind, to, ...self });
}

/** The hello in a frame body, or what is wrong with it. */
export function decodeHello(body: Buffer): Hello | string {
  const fields = parseFields(body, [...IDENTITY_FIELDS, 'kind', 'to']);
  if (typeof fields === 'string') return fields;
  const version = fields.version;
  if (version !== PROTOCOL_VERSION) {
    return `peer protocol version ${String(version)}, this node speaks ${PROTOCOL_VERSION}`;
  }
  if (fields.kind !== 'raft' && fields.kind !== 'bulk') return 'unknown link kind';
  return fields as unknown as Hello;
}

export function decodeWelcome(body: Buffer): MemberIdentity | string {
  const fields = parseFields(body, IDENTITY_FIELDS);
  return typeof fields === 'string' ? fields : (fields as unknown as MemberIdentity);
}

export function decodeRefusal(body: Buffer): string {
  const fields = parseFields(body, ['reason']);
  return typeof fields === 'string' ? 'no reason given' : String(fields.reason);
}

const IDENTITY_FIELDS = ['nodeId', 'uuid', 'clusterId', 'respAddress', 'members'] as const;
const FIELD_LENGTH_MAX = 4096;

/** A JSON object whose `names` are all strings of bounded length, or what is wrong. */
function parseFields(body: Buffer, names: readonly string[]): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return 'greeting is not JSON';
  }
  if (typeof value !== 'object' || value === null) return 'greeting is not an object';
  const fields = value as Record<string, unknown>;
  for (const name of names) {
    const field = fields[name];
    if (typeof field !== 'string' || field.length > FIELD_LENGTH_MAX)
      return `greeting without a valid ${name}`;
  }
  return fields;
}
