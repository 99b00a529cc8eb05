// Owns: opening the ports of a node, and what an operator is told when one cannot be had.

import { OperationalError } from './base/errors.js';

/** Listens; a port that cannot be had becomes an error that says which setting to change. */
export async function listenOrExplain<T>(open: () => Promise<T>, setting: string): Promise<T> {
  try {
    return await open();
  } catch (error) {
    throw explainListen(error, setting);
  }
}

function explainListen(error: unknown, setting: string): Error {
  const { code, address, port } = error as { code?: string; address?: string; port?: number };
  const where = `${address ?? '?'}:${port ?? '?'}`;
  if (code === 'EADDRINUSE') {
    return new OperationalError('E_LISTEN', `${where} is in use; choose another with -${setting}`);
  }
  return new OperationalError(
    'E_LISTEN',
    `cannot listen on ${where} (-${setting}): ${String(error)}`,
  );
}

/** An empty host in the configuration means every interface. */
export function at(endpoint: { host: string; port: number }): { host: string; port: number } {
  return { host: endpoint.host === '' ? '::' : endpoint.host, port: endpoint.port };
}
