// Owns: the mailbox as a process of its own, for docker-compose.yml: `node
// dist/cli/mailbox-daemon.js [host:port] [dir]`.

import { parseEndpoint, Wrong } from '../config/endpoint.js';
import { openMailbox } from './mailbox.js';

const endpoint = parseEndpoint(process.argv[2] ?? ':2500', true);
const directory = process.argv[3] ?? './data/mailbox';
if (endpoint instanceof Wrong) {
  process.stderr.write(`mailbox: ${endpoint.what}; expected host:port\n`);
  process.exitCode = 2;
} else {
  const host = endpoint.host === '' ? '0.0.0.0' : endpoint.host;
  const mailbox = await openMailbox({ host, port: endpoint.port, directory }, (file) => {
    process.stdout.write(`mail delivered: ${file}\n`);
  });
  process.stdout.write(`mailbox on port ${mailbox.port}, mail in ${directory}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void mailbox.close());
  }
}
