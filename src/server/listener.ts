// Owns: the port on which RESP connections arrive. Nothing but accepting: limits and answers are
// the server's.

import type { Listener, Net } from '../platform/net.js';
import type { RespServer } from './resp-server.js';

/** Rejects with the system's error when the port cannot be opened. Port 0 takes a free one. */
export function listen(
  net: Net,
  server: RespServer,
  at: { host: string; port: number },
): Promise<Listener> {
  // A client may close its side right behind its last command and still wants the answer (`printf
  // ... | nc`).
  return net.listen({ ...at, halfOpen: true }, (connection) => server.accept(connection));
}
