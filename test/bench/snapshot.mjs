// Owns: `npm run bench:snapshot`: what clients notice of a snapshot. Fills a fresh server with keys, then sends SET and GET at a
// fixed rate (latency counts from the moment a request was due, so that a stall is not left out) for a while without and then
// with snapshots on every node, and prints p50, p99, longest, and the longest time an event loop was blocked.
// Options: --keys N (1000000), --rate N requests per second (2000), --seconds N before and at least during (15), --nodes 1|3 (3),
// --clients N (20), --rounds N snapshots (3).

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import RedisParser from 'redis-parser';
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
  #stopped = false;
  #begun = performance.now();
  #sent = 0;

  constructor(clients) {
    const send = () => {
      if (this.#stopped) return;
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

/** Longest block of any node within [from, to], wall clock, and the median of its 200 ms maxima. */
function blocks(file, from, to) {
  const rows = readFileSync(file, 'latin1')
    .split('\n')
    .map((line) => line.split(' ').map(Number))
    .filter(([at]) => at >= from + 200 && at <= to);
  const longest = rows.map(([, max]) => max).sort((a, b) => a - b);
  return { longest: longest.at(-1) ?? Number.NaN, typical: quantile(longest, 0.5) };
}

function summary(name, load, begun, ended, file) {
  const times = load.samples
    .filter(([due]) => due >= begun.mono && due < ended.mono)
    .map(([, ms]) => ms)
    .sort((a, b) => a - b);
  const { longest, typical } = blocks(file, begun.wall, ended.wall);
  const cells = [quantile(times, 0.5), quantile(times, 0.99), times.at(-1), longest, typical];
  console.log(
    name.padEnd(22) +
      cells.map((ms) => `${ms.toFixed(2)} ms`.padStart(14)).join('') +
      String(times.length).padStart(12),
  );
  return { p99: quantile(times, 0.99) };
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
    console.log(`${target.name}; ${KEYS} keys, ${RATE} requests/s\n`);
    await fill(controls[0]);
    await saveEverywhere(controls);
    const load = new Load(
      Array.from({ length: Number(values.clients) }, () => connect(target.port)),
    );
    await sleep(3000);
    const heads = ['', 'p50', 'p99', 'longest', 'longest block', 'typical block', 'requests'];
    console.log(
      heads.map((head, i) => (i === 0 ? head.padEnd(22) : head.padStart(i < 6 ? 14 : 12))).join(''),
    );
    const start = now();
    await sleep(SECONDS * 1000);
    const before = summary('before', load, start, now(), file);
    for (let round = 1; round <= Number(values.rounds); round++) {
      const begun = now();
      await saveEverywhere(controls);
      const ended = now();
      const during = summary(
        `snapshot ${round} (${((ended.mono - begun.mono) / 1000).toFixed(1)} s)`,
        load,
        begun,
        ended,
        file,
      );
      console.log(`${''.padEnd(22)}p99 ratio ${(during.p99 / before.p99).toFixed(2)} (goal <= 2)`);
      await sleep(2000);
    }
    load.stop();
    if (load.errors > 0) console.log(`${load.errors} requests were answered with an error`);
  } finally {
    for (const client of clients) client.close();
    await target.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
