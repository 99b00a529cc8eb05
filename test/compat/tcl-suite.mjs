// Owns: `npm run compat:tcl -- --suite DIR`: Redis' or Valkey's own Tcl tests (a 7.2 source tree
// that is not part of this repository) against a running Helios, one fresh node per unit, and what
// passed and failed. tcl-skip.txt says which tests are left out and why. Ends 1 when a test failed
// or a unit did not run to its end, 2 on a wrong call. Needs tclsh 8.5 or newer.
// Options:
//   --suite DIR          the tree; a copy of its runtest and tests/ is what runs
//   --units a,b          instead of all below, as unit/type/string
//   --bin FILE           another server than bin/helios-atlasd (build first)
//   --address HOST:PORT  one already running, which loses its data
//   --all                the skipped tests too
//   --log DIR            keeps the output of each unit
//   --jobs N             units at the same time (1)

import { spawn } from 'node:child_process';
import {
  cpSync,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    units: { type: 'string' },
    bin: { type: 'string', default: here('../../bin/helios-atlasd') },
    address: { type: 'string' },
    all: { type: 'boolean', default: false },
    log: { type: 'string' },
    jobs: { type: 'string', default: '1' },
  },
});

const UNITS = [
  ...['string', 'incr', 'hash', 'list', 'list-2', 'list-3', 'set', 'zset'].map(
    (type) => `unit/type/${type}`,
  ),
  ...['keyspace', 'expire', 'scan', 'sort', 'bitops', 'bitfield', 'multi', 'info', 'auth'],
  ...['info-command', 'protocol', 'querybuf', 'dump', 'other', 'introspection', 'quit', 'pause'],
  ...['introspection-2', 'maxmemory', 'slowlog', 'latency-monitor', 'limits', 'lazyfree'],
  ...['obuf-limits', 'violations', 'scripting'],
].map((unit) => (unit.includes('/') ? unit : `unit/${unit}`));

/** Members do not replicate by PSYNC; the others are of features of later issues. */
const TAGS = ['-needs:repl', '-stream', '-geo', '-hll', '-pubsub', '-tracking', '-needs:pfdebug'];
/**
 * These move the encoding thresholds by CONFIG SET, which Helios keeps fixed (encodings are
 * replicated state): what they assert of encodings is ignored, the rest of them counts.
 */
const IGNORES_ENCODING = new Set([
  ...['hash', 'list', 'list-3', 'set', 'zset'].map((type) => `unit/type/${type}`),
  ...['unit/keyspace', 'unit/sort'],
]);
/**
 * Changes to the working copy of the suite. Some units are marked as not for an external server
 * though most of their tests need nothing but a connection; scripting runs everything twice, first
 * through functions, which come later.
 */
const EDITS = [
  ...['limits', 'info', 'obuf-limits'].map((unit) => [unit, /external:skip/g, '']),
  ['auth', /external:skip/g, ''],
  ['auth', '{"masterauth"}', '{"masterauth needs:repl"}'],
  ['scripting', /foreach is_eval \{0 1\}/, 'foreach is_eval {1}'],
];
const START_MS_MAX = 15_000;
/** Without progress for so long (s), runtest gives a unit up. */
const STUCK_S = 120;
const LINE = /^\[([a-z]+)\]: (.*)$/;
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** A copy of the suite to run in: it writes into its own tree. Removed at the end. */
function copySuite() {
  const copy = mkdtempSync(join(tmpdir(), 'helios-tcl-suite-'));
  for (const part of ['runtest', 'tests']) {
    cpSync(join(resolve(values.suite), part), join(copy, part), { recursive: true });
  }
  mkdirSync(join(copy, 'tests/tmp'), { recursive: true });
  for (const [unit, from, to] of EDITS) {
    const file = join(copy, 'tests/unit', `${unit}.tcl`);
    writeFileSync(file, readFileSync(file, 'latin1').replace(from, to), 'latin1');
  }
  return copy;
}

/** `unit || test name, or /regular expression || why`; `*` is every unit. */
function readSkips() {
  const rows = readFileSync(here('tcl-skip.txt'), 'utf8').split('\n');
  return rows
    .filter((row) => row !== '' && !row.startsWith('#'))
    .map((row) => {
      const [unit, test, reason] = row.split(' || ');
      if (!reason) throw new Error(`tcl-skip.txt: unit || test || reason expected: ${row}`);
      return { unit, test };
    });
}

function freePort() {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** Resolves when the server answers PING. */
async function answers(port, child) {
  const deadline = Date.now() + START_MS_MAX;
  while (Date.now() < deadline && child.exitCode === null) {
    const ready = await new Promise((done) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.once('data', (reply) => {
        socket.destroy();
        done(reply.latin1Slice().startsWith('+PONG'));
      });
      socket.once('error', () => done(false));
    });
    if (ready) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`the server does not answer on port ${port}`);
}

async function startServer(directory) {
  const port = await freePort();
  const args = [`-data-dir=${join(directory, 'data')}`, `-listen=127.0.0.1:${port}`];
  const log = createWriteStream(join(directory, 'server.log'));
  const child = spawn(values.bin, [...args, '-aof-fsync=none']);
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  try {
    await answers(port, child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { port, child };
}

/** One unit against host:port; the counts by outcome, and the failures. */
function runUnit(suite, unit, host, port, directory) {
  const skipFile = join(directory, 'skip');
  const skips = values.all ? [] : readSkips().filter((s) => s.unit === '*' || s.unit === unit);
  writeFileSync(skipFile, skips.map((skip) => `${skip.test}\n`).join(''));
  const args = ['--host', host, '--port', String(port), '--single', unit, '--skipfile', skipFile];
  args.push('--tags', TAGS.join(' '), '--durable', '--timeout', String(STUCK_S));
  args.push('--baseport', String(port + 1000 > 60_000 ? port - 9000 : port + 1000));
  args.push('--dont-clean', '--dont-pre-clean');
  if (IGNORES_ENCODING.has(unit)) args.push('--ignore-encoding');
  const child = spawn('./runtest', args, { cwd: suite });
  const log = values.log
    ? createWriteStream(join(values.log, `${unit.replaceAll('/', '-')}.log`))
    : null;
  const counts = { unit, ok: 0, err: 0, skip: 0, ignore: 0 };
  const result = { ...counts, ended: false, explains: false, failures: [] };
  let rest = '';
  const take = (chunk) => {
    log?.write(chunk);
    const lines = (rest + chunk.latin1Slice()).replace(COLOURS, '').split('\n');
    rest = lines.pop();
    for (const line of lines) count(result, line);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', () => {
      log?.end();
      done(result);
    });
  });
}

function count(result, line) {
  if (/^\[\d+\/\d+ done\]/.test(line)) result.ended = true;
  const [, kind, text] = LINE.exec(line) ?? [];
  if (kind === 'exception' || line.startsWith('[TIMEOUT]')) result.failures.push(line);
  if (kind === undefined) {
    // The line behind a failure says what was expected.
    if (result.explains) result.failures.push(`    ${line}`);
    result.explains = false;
    return;
  }
  result.explains = kind === 'err';
  if (kind === 'err') result.failures.push(text);
  if (result[kind] !== undefined) result[kind]++;
}

async function measure(suite, unit) {
  const directory = mkdtempSync(join(tmpdir(), 'helios-tcl-'));
  let server = null;
  try {
    if (values.address) {
      const [host, port] = values.address.split(':');
      return await runUnit(suite, unit, host, Number(port), directory);
    }
    server = await startServer(directory);
    return await runUnit(suite, unit, '127.0.0.1', server.port, directory);
  } finally {
    if (server !== null && server.child.exitCode === null) {
      const gone = new Promise((done) => server.child.once('exit', done));
      server.child.kill('SIGKILL');
      await gone;
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

function report(result) {
  const { unit, ok, err, skip, ignore, ended } = result;
  const counts = `${ok} passed, ${err} failed, ${skip} skipped, ${ignore} not for this server`;
  console.log(`${unit}: ${counts}${ended ? '' : '; DID NOT END'}`);
  for (const failure of result.failures) console.log(`    ${failure.slice(0, 400)}`);
}

async function main() {
  if (!values.suite) {
    console.error('usage: npm run compat:tcl -- --suite DIR (source tree of Redis or Valkey 7.2)');
    return 2;
  }
  if (values.log) mkdirSync(values.log, { recursive: true });
  const suite = copySuite();
  const units = values.units ? values.units.split(',') : [...UNITS];
  const results = [];
  const worker = async () => {
    for (let unit = units.shift(); unit !== undefined; unit = units.shift()) {
      const result = await measure(suite, unit);
      report(result);
      results.push(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  } finally {
    rmSync(suite, { recursive: true, force: true });
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(
    `${results.length} units: ${sum('ok')} passed, ${sum('err')} failed, ${sum('skip')} skipped`,
  );
  return results.every((result) => result.ended && result.err === 0) ? 0 : 1;
}

process.exitCode = await main();
