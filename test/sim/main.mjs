// Owns: `npm run sim`: more seeds of the simulations than npm test takes. --seeds N (1000), --seed S for one.
// The simulations are vitest files that read SEEDS (first:last) or SEED; a failing seed prints its number.

import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, seed: { type: 'string' } },
});
const count = Number(values.seeds);
const one = values.seed === undefined ? null : Number(values.seed);
if (!Number.isSafeInteger(count) || count < 1 || (one !== null && !Number.isSafeInteger(one))) {
  console.error('sim: --seeds takes a number from 1 on, --seed a seed');
  process.exit(2);
}
const choice = one === null ? { SEEDS: `1:${count}` } : { SEED: String(one) };
const args = ['vitest', 'run', 'test/sim', '--testTimeout', String(count * 2000 + 60_000)];
const child = spawn('npx', args, { stdio: 'inherit', env: { ...process.env, ...choice } });
child.on('exit', (code) => process.exit(code ?? 1));
