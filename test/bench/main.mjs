// Owns: `npm run bench`: redis-benchmark against Helios and redis-server, alternating in the same run, and the ratios.
// Figures are medians over the rounds. Options: --rounds N (3), --requests N at pipeline 1, twenty times as many at 16 (60000), --clients N (50), --only TEXT for
// the rows whose title has it.

import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { heliosOne, heliosThree, installed, redis } from './targets.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    requests: { type: 'string', default: '60000' },
    clients: { type: 'string', default: '50' },
    only: { type: 'string', default: '' },
  },
});
const ROUNDS = Number(values.rounds);
const REQUESTS = Number(values.requests);
const PIPELINES = [1, 16];

/** What is compared with what, and the goal of issue or architecture. */
const COMPARISONS = [
  {
    title: 'replicated SET, fsync on every node',
    ours: 'three',
    test: 'set',
    base: 'redisAlways',
    goals: [0.35, 0.4],
  },
  {
    title: 'linearizable GET at the leader',
    ours: 'three',
    test: 'get',
    base: 'redisAlways',
    goals: [0.7, 0],
  },
  {
    title: 'linearizable GET at a follower',
    ours: 'follower',
    test: 'get',
    base: 'redisAlways',
    goals: [0, 0],
  },
  {
    title: 'replicated SET at a follower',
    ours: 'follower',
    test: 'set',
    base: 'redisAlways',
    goals: [0, 0],
  },
  {
    title: 'one node, everysec: SET',
    ours: 'one',
    test: 'set',
    base: 'redisEverysec',
    goals: [0.85, 0.6],
  },
  {
    title: 'one node, everysec: GET',
    ours: 'one',
    test: 'get',
    base: 'redisEverysec',
    goals: [0.85, 0.6],
  },
  {
    title: 'one node, everysec: INCR',
    ours: 'one',
    test: 'incr',
    base: 'redisEverysec',
    goals: [0.85, 0.6],
  },
];

const CHOSEN = COMPARISONS.filter(({ title }) => title.includes(values.only));

function measure(port, test, pipeline) {
  const requests = pipeline === 1 ? REQUESTS : REQUESTS * 20;
  const { stdout, status } = spawnSync('redis-benchmark', [
    ...['-h', '127.0.0.1', '-p', String(port), '-t', test, '-n', String(requests)],
    ...['-c', values.clients, '-P', String(pipeline), '-r', '10000', '--csv'],
  ]);
  const line = stdout
    .toString()
    .split('\n')
    .find((text) => /^"(SET|GET|INCR)"/.test(text));
  if (status !== 0 || line === undefined) throw new Error(`redis-benchmark failed on port ${port}`);
  return Number(line.split(',')[1].replaceAll('"', ''));
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function version(program) {
  return spawnSync(program, ['--version']).stdout?.toString().split('\n')[0] ?? 'absent';
}

/** Port of a column by target name. */
function portOf(targets, name) {
  return name === 'follower' ? targets.three.followerPort : targets[name].port;
}

async function main() {
  if (!installed('redis-server') || !installed('redis-benchmark')) {
    console.error('bench: needs redis-server and redis-benchmark (Debian: apt-get install redis)');
    process.exit(2);
  }
  console.log(
    `machine: ${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  );
  console.log(`node ${process.version}; ${version('redis-server')}`);
  console.log(`${ROUNDS} rounds, ${values.clients} connections, all processes on this machine\n`);
  const targets = {
    redisAlways: await redis('always'),
    redisEverysec: await redis('everysec'),
    one: await heliosOne('interval'),
    three: await heliosThree('every'),
  };
  try {
    report(sample(targets));
  } finally {
    for (const target of Object.values(targets)) await target.stop();
  }
}

/** Requests per second by `server/test/pipeline`, a list of rounds each; servers alternate within a round. */
function sample(targets) {
  const figures = new Map();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const pipeline of PIPELINES) {
      for (const { ours, test, base } of CHOSEN) {
        for (const name of [base, ours]) {
          const key = `${name}/${test}/${pipeline}`;
          const rate = measure(portOf(targets, name), test, pipeline);
          // The first round warms up.
          if (round > 0) figures.set(key, [...(figures.get(key) ?? []), rate]);
        }
      }
    }
  }
  return figures;
}

function report(figures) {
  const row = (cells) =>
    console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(38) : cell.padStart(12))).join(''));
  row(['', 'pipeline', 'helios/s', 'redis/s', 'ratio', 'goal', '']);
  for (const { title, ours, test, base, goals } of CHOSEN) {
    PIPELINES.forEach((pipeline, i) => {
      const rate = median(figures.get(`${ours}/${test}/${pipeline}`));
      const peer = median(figures.get(`${base}/${test}/${pipeline}`));
      const ratio = rate / peer;
      const goal = goals[i] === 0 ? '' : `>= ${goals[i]}`;
      const verdict = goals[i] === 0 ? '' : ratio >= goals[i] ? 'met' : 'missed';
      row([
        title,
        String(pipeline),
        String(Math.round(rate)),
        String(Math.round(peer)),
        ratio.toFixed(2),
        goal,
        verdict,
      ]);
    });
  }
  console.log(
    '\nredis-server is one process without replication: always = fsync before each reply, everysec = each second.',
  );
}

await main();
