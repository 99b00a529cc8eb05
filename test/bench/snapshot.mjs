// Owns: `npm run bench:snapshot`: what clients notice of a snapshot. Fills a fresh server with keys, then sends SET and GET at a
// fixed rate (latency counts from the moment a request was due, so that a stall is not left out), in turn for a while without and
// with a snapshot on every node, and prints p50, p99, longest, and the longest time an event loop was blocked. Where the machine
// holds everybody up (machine-stalls.mjs), a second row leaves out what those moments touched; the ratio is given of both.
// Options: --keys N (1000000), --rate N requests per second (2000), --seconds N before each snapshot (15), --nodes 1|3 (3),
// --clients N (20), --rounds N snapshots (3).

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import RedisParser from 'redis-parser';
import { MachineStalls } from './machine-stalls.mjs';
import { heliosOne, heliosThree } from './targets.mjs';

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '15' },
    nodes: { type: 'string', default: '3' },
    clients: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
  },
});
const KEYS = Number(values.keys);
const RATE = Number(values.rate);
const SECONDS = Number(values.seconds);
/** Between two lines of the loop probe, ms. */
const BLOCK_MS = 200;
const VALUE = 'v'.repeat(64);
const PROBE = fileURLToPath(new URL('./loop-probe.mjs', import.meta.url));

/** One connection; replies come in order. */
class Client {
  #waiting = [];
  #socket;

  constructor(port) {
    const answer = (error, reply) => this.#waiting.shift()(error, reply);
    const parser = new RedisParser({
      returnReply: (reply) => answer(null, reply),
      returnError: (error) => answer(error, null),
    });
    this.#socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => parser.execute(chunk));
  }

  send(words, done) {
    this.#waiting.push(done);
    this.#socket.write(
      `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`,
    );
  }

  ask(...words) {
    return new Promise((resolve, reject) => {
      this.send(words, (error, reply) => (error === null ? resolve(reply) : reject(error)));
    });
  }

  close() {
    this.#socket.destroy();
  }
}

function keyName(n) {
  return `bench:key:${n}`;
}

async function fill(client) {
  for (let from = 0; from < KEYS; from += 1000) {
    const words = ['MSET'];
    for (let n = from; n < Math.min(KEYS, from + 1000); n++) words.push(keyName(n), VALUE);
    await client.ask(...words);
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends at the rate until stopped; keeps [due, latency] of every request. */
class Load {
  samples = [];
  errors = 0;
  stalls = new MachineStalls();
  #stopped = false;
  #begun = performance.now();
  #sent = 0;

  constructor(clients) {
    const send = () => {
      if (this.#stopped) return;
      this.stalls.look();
      const due = ((performance.now() - this.#begun) / 1000) * RATE;
      while (this.#sent < due) this.#one(clients[this.#sent % clients.length]);
      setTimeout(send, 1);
    };
    send();
  }

  #one(client) {
    const due = this.#begun + (this.#sent / RATE) * 1000;
    const key = keyName(Math.floor(Math.random() * KEYS));
    const words = this.#sent % 2 === 0 ? ['SET', key, VALUE] : ['GET', key];
    this.#sent++;
    client.send(words, (error) => {
      if (error !== null) this.errors++;
      this.samples.push([due, performance.now() - due]);
    });
  }

  stop() {
    this.#stopped = true;
  }
}

async function saveEverywhere(controls) {
  for (const control of controls) await control.ask('BGSAVE');
  for (const control of controls) {
    for (;;) {
      const info = String(await control.ask('INFO', 'persistence'));
      if (info.includes('rdb_bgsave_in_progress:0')) {
        if (!info.includes('rdb_last_bgsave_status:ok')) throw new Error('a snapshot failed');
        break;
      }
      await sleep(20);
    }
  }
}

function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Longest block of any node within the moments `kept`, and the median of its 200 ms maxima. */
function blocks(file, begun, ended, kept) {
  const rows = readFileSync(file, 'latin1')
    .split('\n')
    .map((line) => line.split(' ').map(Number))
    .map(([at, max]) => [at - begun.wall + begun.mono, max])
    .filter(([at]) => at >= begun.mono + BLOCK_MS && at <= ended.mono && kept(at - BLOCK_MS, at));
  const longest = rows.map(([, max]) => max).sort((a, b) => a - b);
  return { longest: longest.at(-1) ?? Number.NaN, typical: quantile(longest, 0.5) };
}

/** Prints one row and returns its p99, ms. */
function row(name, samples, { longest, typical }) {
  const times = samples.map(([, ms]) => ms).sort((a, b) => a - b);
  const p99 = quantile(times, 0.99);
  const cells = [quantile(times, 0.5), p99, times.at(-1) ?? Number.NaN, longest, typical];
  console.log(
    name.padEnd(26) +
      cells.map((ms) => `${ms.toFixed(2)} ms`.padStart(14)).join('') +
      String(times.length).padStart(12),
  );
  return p99;
}

/** Rows of all and, where the machine stalls, of what no stall touched; their p99. */
function summary(name, load, begun, ended, file) {
  const { samples, stalls } = load;
  const within = samples.filter(([due]) => due >= begun.mono && due < ended.mono);
  const all = row(
    name,
    within,
    blocks(file, begun, ended, () => true),
  );
  if (!stalls.possible) return [all];
  const kept = (from, to) => !stalls.touch(from, to);
  const clear = within.filter(([due, ms]) => kept(due, due + ms));
  return [all, row('  without its stalls', clear, blocks(file, begun, ended, kept))];
}

function tell(what, ratios) {
  const text = ratios.map((ratio) => ratio.toFixed(2)).join('; without the stalls ');
  console.log(`${''.padEnd(26)}${what} ${text} (goal <= 2)`);
}

const now = () => ({ mono: performance.now(), wall: Date.now() });

async function main() {
  const directory = mkdtempSync(join(tmpdir(), 'helios-bench-loop-'));
  const file = join(directory, 'loop');
  process.env.BENCH_LOOP_FILE = file;
  process.env.NODE_OPTIONS = `--import=${PROBE}`;
  const target = await (values.nodes === '1' ? heliosOne('interval') : heliosThree('every'));
  const clients = [];
  const connect = (port) => {
    const client = new Client(port);
    clients.push(client);
    return client;
  };
  try {
    const controls = (target.ports ?? [target.port]).map(connect);
    console.log(`machine: ${cpus().length} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}`);
    console.log(`${target.name}; ${KEYS} keys, ${RATE} requests/s`);
    console.log(
      new MachineStalls().possible ? 'this machine runs DAMON, which stalls all processes\n' : '',
    );
    await fill(controls[0]);
    await saveEverywhere(controls);
    const load = new Load(
      Array.from({ length: Number(values.clients) }, () => connect(target.port)),
    );
    await sleep(3000);
    const heads = ['', 'p50', 'p99', 'longest', 'longest block', 'typical block', 'requests'];
    console.log(
      heads.map((head, i) => (i === 0 ? head.padEnd(26) : head.padStart(i < 6 ? 14 : 12))).join(''),
    );
    const ratios = [];
    for (let round = 1; round <= Number(values.rounds); round++) {
      const quiet = now();
      await sleep(SECONDS * 1000);
      const before = summary(`before ${round}`, load, quiet, now(), file);
      const begun = now();
      await saveEverywhere(controls);
      const ended = now();
      const seconds = ((ended.mono - begun.mono) / 1000).toFixed(1);
      const during = summary(`snapshot ${round} (${seconds} s)`, load, begun, ended, file);
      ratios.push(during.map((p99, i) => p99 / before[i]));
      tell('p99 ratio', ratios.at(-1));
      await sleep(2000);
    }
    tell(
      'median p99 ratio',
      ratios[0].map((_, i) =>
        quantile(
          ratios.map((row) => row[i]).sort((x, y) => x - y),
          0.5,
        ),
      ),
    );
    load.stop();
    if (load.errors > 0) console.log(`${load.errors} requests were answered with an error`);
  } finally {
    for (const client of clients) client.close();
    await target.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
