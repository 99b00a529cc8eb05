// Owns: what an operator reads when a port cannot be had.

import { OperationalError } from '../base/errors.js';

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there; stop it or choose another port',
  EACCES: 'ports below 1024 need the right to bind them; choose another port or grant it',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'the host name is not known',
};

/** Names the listener, the address and the way out. */
export function listenError(
  what: string,
  host: string,
  port: number,
  cause: unknown,
): OperationalError {
  const { code, message } = cause as { code?: string; message?: string };
  const hint = HINTS[code ?? ''] ?? message ?? String(cause);
  const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new OperationalError('E_LISTEN', `cannot listen for ${what} on ${at}: ${hint}`, { cause });
}
