// Owns: the servers that a benchmark compares, each started fresh in a temporary directory on free ports and ended by pid.
// A target says how it is durable, so that the table never compares different promises without saying so.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/helios-atlasd', import.meta.url));

export function installed(program) {
  return spawnSync('which', [program]).status === 0;
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves with the reply to one inline command, or rejects. */
function ask(port, command) {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () =>
      socket.write(`${command}\r\n`),
    );
    socket.setTimeout(2000, () => socket.destroy(new Error('timeout')));
    socket.once('data', (data) => {
      resolve(data.toString('latin1'));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

async function until(what, check) {
  for (let tries = 0; tries < 1000; tries++) {
    if (await check().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not ready: ${what}`);
}

class Target {
  constructor(name) {
    this.name = name;
    this.directory = mkdtempSync(join(tmpdir(), 'helios-bench-'));
    this.children = [];
  }

  run(program, args, env = {}) {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
    this.children.push(child);
    return child;
  }

  async stop() {
    const ended = this.children.map(
      (child) => new Promise((resolve) => child.once('exit', resolve)),
    );
    for (const child of this.children) child.kill('SIGKILL');
    await Promise.all(ended);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** @param fsync redis: always | everysec | no */
export async function redis(fsync) {
  const target = new Target(`redis-server, one, appendfsync ${fsync}`);
  target.port = await freePort();
  target.run('redis-server', [
    ...['--port', String(target.port), '--dir', target.directory, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', fsync, '--bind', '127.0.0.1'],
  ]);
  await until(target.name, async () => (await ask(target.port, 'PING')).startsWith('+PONG'));
  return target;
}

/** @param fsync helios: every | interval | none */
export async function heliosOne(fsync) {
  const target = new Target(`helios, one, aof_fsync ${fsync}`);
  target.port = await freePort();
  target.run(BIN, [
    `-data-dir=${target.directory}/n`,
    `-listen=127.0.0.1:${target.port}`,
    `-aof-fsync=${fsync}`,
  ]);
  await until(target.name, async () => (await ask(target.port, 'SET ready 1')).startsWith('+OK'));
  return target;
}

export async function heliosThree(fsync) {
  const target = new Target(`helios, three, aof_fsync ${fsync}`);
  const ports = [];
  for (let i = 0; i < 6; i++) ports.push(await freePort());
  const peers = [1, 2, 3].map((n) => `node-${n}:127.0.0.1:${ports[2 + n]}`).join(',');
  for (const n of [1, 2, 3]) {
    target.run(
      BIN,
      [
        ...[
          `-data-dir=${target.directory}/n${n}`,
          `-listen=127.0.0.1:${ports[n - 1]}`,
          '-raft=true',
        ],
        ...[
          `-raft-node-id=node-${n}`,
          `-raft-addr=127.0.0.1:${ports[2 + n]}`,
          `-aof-fsync=${fsync}`,
        ],
      ],
      { HELIOS_RAFT_PEERS: peers },
    );
  }
  await until(target.name, async () => {
    for (const port of ports.slice(0, 3)) {
      if (!(await ask(port, 'SET ready 1')).startsWith('+OK')) return false;
      if ((await ask(port, 'INFO raft')).includes('raft_state:Leader')) target.port = port;
    }
    return target.port !== undefined;
  });
  target.ports = ports.slice(0, 3);
  target.followerPort = ports.slice(0, 3).find((port) => port !== target.port);
  return target;
}
