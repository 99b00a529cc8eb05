// Owns: `npm run scenarios`: runs all scenario and table files. --update rewrites what they expect
// (review the diff: a trace is a claim about the core, not a record of what it happened to do);
// --only NAME takes the files whose name contains it.

import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

let values;
try {
  ({ values } = parseArgs({
    options: {
      update: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
    },
  }));
} catch (error) {
  console.error(`scenarios: ${error.message}; known are --update and --only NAME`);
  process.exit(2);
}
const args = ['vitest', 'run', 'test/scenarios'];
if (values.only !== '') args.push('--testNamePattern', values.only.replaceAll('.', '\\.'));
const env = { ...process.env, ...(values.update ? { UPDATE_SCENARIOS: '1' } : {}) };
const child = spawn('npx', args, { stdio: 'inherit', env });
child.on('exit', (code) => process.exit(code ?? 1));
