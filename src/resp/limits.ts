// Owns: how much one connection may ask of the decoder (Redis 7: proto-max-bulk-len,
// client-query-buffer-limit and the constants beside them). Sizes in bytes.

export interface RequestLimits {
  /** Arguments of one command. */
  readonly argumentsMax: number;
  /** One argument. */
  readonly bulkMax: number;
  /** An inline command, and a length line that does not end. */
  readonly lineMax: number;
  /** One whole command. */
  readonly commandMax: number;
  /** The first two again, before the connection has authenticated. */
  readonly unauthenticatedArgumentsMax: number;
  readonly unauthenticatedBulkMax: number;
}

const MIB = 1024 * 1024;

/**
 * V8's longest string is 2^29 - 24 characters; an argument and the header of its reply must fit
 * one.
 */
export const LONGEST_BULK = 512 * MIB - 1024;

export const DEFAULT_LIMITS: RequestLimits = {
  argumentsMax: 1024 * 1024,
  bulkMax: LONGEST_BULK,
  lineMax: 64 * 1024,
  commandMax: 1024 * MIB,
  unauthenticatedArgumentsMax: 10,
  unauthenticatedBulkMax: 16 * 1024,
};
