// Owns: `npm run chaos`.

import { fileURLToPath } from 'node:url';
import { runBoxed } from './boxed-program.js';
import { parseOptions, USAGE } from './options.js';
import { Run } from './run.js';

await runBoxed({
  file: fileURLToPath(import.meta.url),
  usage: USAGE,
  parse: parseOptions,
  argumentsOf: ({ seed }, args) => [...args, '--seed', String(seed)],
  title: ({ nodes, minutes, seed }) => `chaos: ${nodes} nodes, ${minutes} minutes, seed ${seed}`,
  work: (options, place) => new Run(options, place),
});
