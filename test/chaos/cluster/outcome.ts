// Owns: the table from what a client got to what may have happened (architecture D13), the client's
// side of src/replica/errors.ts. A cut connection or silence after sending is unknown, always.

import type { Outcome } from '../check/history.js';

/** The server's own answer. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}

/** The connection ended, or no answer came in the time given. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const DEFINITE =
  /^(CLUSTERDOWN|BUSY|LOADING|OOM|READONLY|MISCONF|MOVED|TRYAGAIN|MASTERDOWN|NOREPLICAS|EXECABORT)\b/;
const UNKNOWN = /^UNKNOWN\b/;

/** `unexpected`: an error that no fault explains; a run that meets one has failed. */
export function outcomeOf(error: unknown): Exclude<Outcome, 'ok'> | 'unexpected' {
  if (!(error instanceof ServerError)) return 'unknown';
  if (DEFINITE.test(error.message)) return 'definite';
  return UNKNOWN.test(error.message) ? 'unknown' : 'unexpected';
}
