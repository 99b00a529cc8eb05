// Owns: the reasons for which a session decodes no further commands for now. They add up as bits.

export const HOLD = {
  /** The next command must see everything before it answered. */
  ORDER: 1,
  /** Too much is owed. */
  OWED: 2,
  /** The client does not take its output. */
  OUTPUT: 4,
  /** CLIENT PAUSE. */
  PAUSE: 8,
  /** The connection has ended. */
  CLOSED: 16,
} as const;
export type Hold = (typeof HOLD)[keyof typeof HOLD];
