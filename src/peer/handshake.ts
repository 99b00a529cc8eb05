// Owns: how two members introduce themselves, so that nothing else is ever read from a stranger
// (architecture D10). The dialer says hello; the acceptor answers welcome, or refuse with the
// reason and closes. Bodies are JSON, checked field by field.

import { FrameKind, type FrameKindCode, frameHead } from './frame.js';
import type { RefusalCause } from './refusals.js';

/** Raised when frames or messages change so that older members cannot read them. */
export const PROTOCOL_VERSION = 4;

/**
 * `raft` carries messages and proposals; `bulk` carries a snapshot, so that it never delays a
 * heartbeat; `join` carries nothing: its greeting asks a node whether it would join the dialer's
 * cluster.
 */
export type LinkKind = 'raft' | 'bulk' | 'join';
const LINK_KINDS: readonly unknown[] = ['raft', 'bulk', 'join'] satisfies LinkKind[];

/** What a refusal means to who is refused, beyond its text. */
export type RefusalCode = '' | 'removed' | 'again';

/** Whether a node is a full member of its cluster; as `Admission` of the core. */
export type Standing = 'new' | 'joining' | 'admitted';
const STANDINGS: readonly unknown[] = ['new', 'joining', 'admitted'] satisfies Standing[];

export interface MemberIdentity {
  readonly nodeId: string;
  /** Made with the data directory; changes when the data is lost. */
  readonly uuid: string;
  /** Empty until the cluster is known. */
  readonly clusterId: string;
  readonly standing: Standing;
  /** Where clients reach this member, `host:port`. */
  readonly respAddress: string;
  /** Where the other members reach this one, `host:port`. */
  readonly raftAddress: string;
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

/** The hello in a frame body, or why its sender is refused. */
export function decodeHello(body: Buffer): Hello | Refusal {
  const fields = parseFields(body, [...IDENTITY_FIELDS, 'kind', 'to']);
  // A greeting of another version may have other fields.
  const version = versionOf(body);
  if (version !== null && version !== PROTOCOL_VERSION) {
    const reason = `peer protocol version ${version}, this node speaks ${PROTOCOL_VERSION}`;
    return refusalOf(reason, '', 'version');
  }
  if (typeof fields === 'string') return refusalOf(fields, '', 'greeting');
  if (version === null) return refusalOf('greeting without a version', '', 'greeting');
  if (!LINK_KINDS.includes(fields.kind)) return refusalOf('unknown link kind', '', 'greeting');
  return fields as unknown as Hello;
}

export function decodeWelcome(body: Buffer): MemberIdentity | string {
  const fields = parseFields(body, IDENTITY_FIELDS);
  return typeof fields === 'string' ? fields : (fields as unknown as MemberIdentity);
}

/** Null when the greeting does not say. */
function versionOf(body: Buffer): number | null {
  try {
    const { version } = JSON.parse(body.toString('utf8')) as { version?: unknown };
    return typeof version === 'number' ? version : null;
  } catch {
    return null;
  }
}

/** `removed`: the dialer is no member any more. `again`: it may be welcome in a moment. */
export interface Refusal {
  readonly reason: string;
  readonly code: RefusalCode;
  /** For the count of who refuses; not told to the other side. */
  readonly cause: RefusalCause;
}

export function refusalOf(
  reason: string,
  code: RefusalCode = '',
  cause: RefusalCause = 'stranger',
): Refusal {
  return { reason, code, cause };
}

export function encodeRefusal({ reason, code }: Refusal): Buffer {
  return encodeJson(FrameKind.refuse, { reason, code });
}

export function decodeRefusal(body: Buffer): Refusal {
  const fields = parseFields(body, ['reason']);
  if (typeof fields === 'string') return refusalOf('no reason given', '', 'refused');
  const code = fields.code === 'removed' || fields.code === 'again' ? fields.code : '';
  return refusalOf(String(fields.reason), code, 'refused');
}

const IDENTITY_FIELDS = [
  ...['nodeId', 'uuid', 'clusterId', 'standing', 'respAddress', 'raftAddress', 'members'],
] as const;
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
    const valid = typeof field === 'string' && field.length <= FIELD_LENGTH_MAX;
    if (!valid || (name === 'standing' && !STANDINGS.includes(field))) {
      return `greeting without a valid ${name}`;
    }
  }
  return fields;
}
