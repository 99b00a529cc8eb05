// The server's hot path over a fake group in a process of its own, for redis-benchmark. Prints its
// port. Compile with tsc --outDir, run with node; ends with SIGTERM or SIGINT.

import { startServer } from '../unit/server/fake-group.js';

const { port, settings } = await startServer();
settings.set(['maxclients', '20000']);
console.log(port);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
