// Owns: the health check of the container image: exit status 0 when the atlasd here answers PING
// and knows a leader. Run as `node dist/cli/health.js [host:port]`; without an address it asks
// where HELIOS_LISTEN says, or port 6379.

import { isWildcard, parseEndpoint, Wrong } from '../config/endpoint.js';
import { askAtlas } from './probe.js';

const endpoint = parseEndpoint(process.argv[2] ?? process.env.HELIOS_LISTEN ?? ':6379', true);
if (endpoint instanceof Wrong) {
  process.stderr.write(`health: ${endpoint.what}; expected host:port\n`);
  process.exitCode = 2;
} else {
  const host = isWildcard(endpoint.host) ? '127.0.0.1' : endpoint.host;
  const answer = await askAtlas(host, endpoint.port);
  const problem = answer === null ? 'no answer to PING' : answer.leader === '' ? 'no leader' : '';
  if (problem !== '') process.stderr.write(`health: ${problem}\n`);
  process.exitCode = problem === '' ? 0 : 1;
}
