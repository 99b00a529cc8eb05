// helios-cluster as a process, with small stand-ins for the programs it starts: readiness, restart
// after kill -9, order of stopping, and no orphan when the launcher itself is killed. Needs the
// build (npm test makes it).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

const dist = resolve('dist/cli/cluster.js');
const module = (name: string): string => JSON.stringify(resolve(`dist/cli/${name}.js`));
let directory = '';
let launcher: ChildProcess | null = null;
let output = '';

/** Answers PING and INFO as an elected node does; writes a line when it stops in order. */
const ATLASD = `
import { createServer } from 'node:net';
import { appendFileSync } from 'node:fs';
const flag = (name) => process.argv.find((word) => word.startsWith('-' + name + '=')).split('=')[1];
if (process.env.BROKEN === '1') { console.error('E_BROKEN: cannot open log'); process.exit(1); }
const info = 'raft_state:Leader\\r\\nraft_leader:node-1\\r\\n';
const [host, port] = flag('listen').split(':');
createServer((socket) => {
  socket.on('error', () => {});
  socket.write('+PONG\\r\\n$' + info.length + '\\r\\n' + info + '\\r\\n');
}).listen(Number(port), host);
process.on('SIGTERM', () => {
  appendFileSync(process.env.STOPPED, flag('raft-node-id') + '\\n');
  process.exit(0);
});
`;
const SMTP = `
import { createServer } from 'node:net';
import { appendFileSync } from 'node:fs';
createServer((socket) => {
  socket.on('error', () => {});
  socket.write('220 hello\\r\\n');
}).listen(Number(process.env.SMTP_PORT), process.env.SMTP_HOST);
process.on('SIGTERM', () => {
  appendFileSync(process.env.STOPPED, process.env.NODE_ID + '\\n');
  process.exit(0);
});
`;
const DRIVER = `
import { Cluster } from ${module('cluster')};
import { planCluster } from ${module('cluster-plan')};
import { parseClusterOptions } from ${module('cluster-options')};
const plan = await planCluster(parseClusterOptions(process.argv.slice(2)));
const programs = { atlasd: process.env.FAKE_ATLASD, smtp: process.env.FAKE_SMTP };
const cluster = new Cluster(plan, (line) => console.log(line), programs);
process.on('SIGTERM', async () => {
  await cluster.stop();
  console.log('STOPPED');
  process.exit(0);
});
try {
  console.log('READY ' + await cluster.start() + ' ' + JSON.stringify([...cluster.pids]));
} catch (error) {
  console.log('FAILED ' + error.message);
  await cluster.stop();
}
`;

beforeAll(() => {
  if (!existsSync(dist)) throw new Error('dist/ is missing: run "npm run build" first');
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'helios-launcher-'));
  writeFileSync(join(directory, 'atlasd.mjs'), ATLASD);
  writeFileSync(join(directory, 'smtp.mjs'), SMTP);
  writeFileSync(join(directory, 'driver.mjs'), DRIVER);
});

afterEach(async () => {
  if (launcher !== null && launcher.exitCode === null && launcher.signalCode === null) {
    launcher.kill('SIGTERM');
    await once(launcher, 'exit');
  }
  rmSync(directory, { recursive: true });
});

function launch(env: Record<string, string> = {}): void {
  output = '';
  const argv = [join(directory, 'driver.mjs'), '--ports-from=0', '--smtp=2'];
  launcher = spawn(process.execPath, [...argv, `--data-dir=${directory}/data`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      FAKE_ATLASD: join(directory, 'atlasd.mjs'),
      FAKE_SMTP: join(directory, 'smtp.mjs'),
      STOPPED: join(directory, 'stopped'),
      ...env,
    },
  });
  launcher.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
}

async function printed(pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(output);
    if (match !== null) return match;
    await once(launcher?.stdout ?? process, 'data');
  }
}

async function readyPids(): Promise<Map<string, number>> {
  const [, json = '[]'] = await printed(/^READY node-1 (.*)$/m);
  return new Map(JSON.parse(json) as Array<[string, number]>);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie waiting for its parent counts as gone.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pids: Iterable<number>): Promise<void> {
  const waiting = [...pids];
  while (waiting.some(isAlive)) await new Promise((done) => setTimeout(done, 20));
}

it('gets ready, restarts what was killed, and stops mail nodes before atlasd', async () => {
  launch();
  const pids = await readyPids();
  expect([...pids.keys()]).toEqual(['node-1', 'node-2', 'node-3', 'smtp-1', 'smtp-2']);
  process.kill(pids.get('node-2') ?? 0, 'SIGKILL');
  await printed(/^node-2 ended \(signal SIGKILL\); starting it again in 0.25 s/m);
  const [, again] = await printed(/^node-2 is running again, pid (\d+)$/m);
  expect(isAlive(Number(again))).toBe(true);
  launcher?.kill('SIGTERM');
  await printed(/^STOPPED$/m);
  expect(isAlive(Number(again))).toBe(false);
  const stopped = readFileSync(join(directory, 'stopped'), 'utf8').trim().split('\n');
  expect(stopped.slice(0, 2).sort()).toEqual(['smtp-1', 'smtp-2']);
});

it('leaves no orphan when it is killed itself', async () => {
  launch();
  const pids = await readyPids();
  launcher?.kill('SIGKILL');
  await gone(pids.values());
  const stopped = readFileSync(join(directory, 'stopped'), 'utf8').trim().split('\n');
  expect(stopped.sort()).toEqual(['node-1', 'node-2', 'node-3', 'smtp-1', 'smtp-2']);
});

it('gives up with the log of a node that cannot start', async () => {
  launch({ BROKEN: '1' });
  await printed(/^FAILED node-\d does not start:\nE_BROKEN: cannot open log/m);
});
