// Writes at one node and reads at each of the others with a stock Redis client.
// node examples/set-get.mjs [host:port,host:port,...]

import { Redis } from 'ioredis';

const nodes = (process.argv[2] ?? '127.0.0.1:6379,127.0.0.1:6380,127.0.0.1:6381').split(',');
let reason = '';
const clients = nodes.map((node) => {
  const [host, port] = node.split(':');
  const client = new Redis({
    host,
    port: Number(port),
    maxRetriesPerRequest: 5,
    retryStrategy: () => 200,
  });
  // A failed connection is tried again; this is kept for the command that gives up.
  client.on('error', (error) => {
    reason = error.message;
  });
  return client;
});

try {
  const [first] = clients;
  console.log(
    `${nodes[0]} SET mykey "hello cluster" ->`,
    await first.set('mykey', 'hello cluster'),
  );
  for (const [at, client] of clients.entries()) {
    console.log(`${nodes[at]} GET mykey ->`, await client.get('mykey'));
  }
  const counts = await Promise.all(clients.map((client) => client.incr('visits')));
  console.log('INCR visits at every node at once ->', counts.join(', '));
} catch (error) {
  console.error(`cannot reach ${nodes.join(', ')}: ${reason || error.message}`);
  process.exitCode = 1;
} finally {
  for (const client of clients) client.disconnect();
}
