// The deployment files as their own programs read them, and HAProxy for real in front of three SMTP
// servers.

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.js';

const directory = mkdtempSync(join(tmpdir(), 'helios-deploy-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Null when the program can be run; otherwise the reason to skip. */
function absent(program: string, ...argv: string[]): string | null {
  const { error, status } = spawnSync(program, argv, { stdio: 'ignore' });
  return error === undefined && status === 0
    ? null
    : `${program} ${argv.join(' ')} does not work here`;
}

const noHaproxy = absent('haproxy', '-v');
const noNginx = absent('nginx', '-v');
const noRedis = absent('redis-server', '--version');
const noCompose = absent('docker', 'compose', 'version');

async function run(program: string, argv: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, argv);
  return stdout + stderr;
}

describe('checked by their own programs', () => {
  it('haproxy -c', async (context) => {
    if (noHaproxy !== null) context.skip(noHaproxy);
    await run('haproxy', ['-c', '-f', 'examples/haproxy.cfg']);
  });

  it('nginx -t', async (context) => {
    if (noNginx !== null) context.skip(noNginx);
    const global = `pid ${directory}/nginx.pid; error_log stderr;`;
    const check = run('nginx', ['-t', '-g', global, '-c', resolve('examples/nginx-stream.conf')]);
    const output = await check.catch((error: Error) => error.message);
    if (output.includes('unknown directive "stream"')) context.skip('nginx has no stream module');
    expect(output).toContain('test is successful');
  });

  it('docker compose config', async (context) => {
    if (noCompose !== null) context.skip(noCompose);
    await run('docker', ['compose', '-f', 'docker-compose.yml', 'config', '--quiet']);
  });
});

describe('examples', () => {
  it('set-get.mjs writes and reads with a stock client', async (context) => {
    if (noRedis !== null) context.skip(noRedis);
    const [port = 0] = await freePorts(1);
    const argv = ['--port', String(port), '--save', '', '--dir', directory];
    const server = spawn('redis-server', argv, { stdio: 'ignore' });
    try {
      const nodes = `127.0.0.1:${port},127.0.0.1:${port}`;
      const output = await run(process.execPath, ['examples/set-get.mjs', nodes]);
      expect(output).toContain(`127.0.0.1:${port} GET mykey -> hello cluster`);
      expect(output).toMatch(/INCR visits at every node at once -> (?:1, 2|2, 1)/);
    } finally {
      server.kill('SIGKILL');
    }
  });

  it('send-mail.mjs says what the node answered', async () => {
    const [port = 0] = await freePorts(1);
    const received: string[] = [];
    const node = await smtpNode('node', port, received);
    try {
      const address = `127.0.0.1:${port}`;
      const output = await run(process.execPath, ['examples/send-mail.mjs', address]);
      expect(output).toContain(`${address} answered: 250`);
      expect(received).toEqual(['node']);
    } finally {
      await new Promise<void>((done) => node.close(done));
    }
  });

  it('say what is wrong when nobody answers', async () => {
    const [port = 0] = await freePorts(1);
    for (const name of ['set-get.mjs', 'send-mail.mjs']) {
      const sent = run(process.execPath, [`examples/${name}`, `127.0.0.1:${port}`]);
      await expect(sent).rejects.toThrow(/cannot reach|did not take the mail/);
    }
  });
});

interface Service {
  readonly command?: string[];
  readonly entrypoint?: string[];
  readonly environment?: Record<string, string>;
  readonly ports?: string[];
}

describe('docker-compose.yml', () => {
  const source = readFileSync('docker-compose.yml', 'utf8');
  const { services } = parse(source, { merge: true }) as { services: Record<string, Service> };

  it.each([1, 2, 3])('starts node %i with settings that helios-atlasd accepts', (n) => {
    const { command = [], environment = {}, ports } = services[`helios-node${n}`] ?? {};
    const loaded = loadConfig({ argv: command, env: environment });
    if (loaded.do !== 'run') throw new Error(loaded.do);
    expect(loaded.config.raftNodeId).toBe(`node-${n}`);
    expect(loaded.config.raftAdvertiseAddr).toEqual({ host: `helios-node${n}`, port: 7000 });
    expect(loaded.config.advertiseAddr.host).toBe(`helios-node${n}`);
    expect(loaded.config.raftMembers).toHaveLength(n === 1 ? 0 : 3);
    expect(ports).toEqual([`${6378 + n}:6379`, `${6999 + n}:7000`, `${9089 + n}:9090`]);
  });

  it('publishes every port once', () => {
    const published = Object.values(services).flatMap((service) => service.ports ?? []);
    const outside = published.map((port) => port.split(':')[0]);
    expect(new Set(outside).size).toBe(outside.length);
  });
});

/** Ports that are free now. */
async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let at = 0; at < count; at++) {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function smtpNode(name: string, port: number, received: string[]): Promise<SMTPServer> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    onData(stream, _session, done) {
      stream.resume().once('end', () => {
        received.push(name);
        done();
      });
    },
  });
  server.on('error', () => {});
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done(server)));
}

describe('HAProxy in front of SMTP nodes', () => {
  it('spreads mail over all nodes and goes on when one is gone', async (context) => {
    if (noHaproxy !== null) context.skip(noHaproxy);
    const [front = 0, ...back] = await freePorts(4);
    const received: string[] = [];
    const nodes: SMTPServer[] = [];
    for (const port of back) nodes.push(await smtpNode(`node${nodes.length}`, port, received));
    let config = readFileSync('examples/haproxy.cfg', 'utf8').replace(
      'bind :1025',
      `bind 127.0.0.1:${front}`,
    );
    [2525, 2526, 2527].forEach((port, at) => {
      config = config.replace(`127.0.0.1:${port}`, `127.0.0.1:${back[at]}`);
    });
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(file, config);
    const haproxy: ChildProcess = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
    try {
      for (let sent = 0; sent < 9; sent++) await send(front);
      expect(new Set(received).size).toBe(3);
      await new Promise<void>((done) => nodes[1]?.close(done));
      for (let sent = 0; sent < 6; sent++) await send(front);
      expect(received).toHaveLength(15);
      expect(received.slice(9)).not.toContain('node1');
    } finally {
      haproxy.kill('SIGKILL');
      await Promise.all(nodes.map((node) => new Promise<void>((done) => node.close(done))));
    }
  });
});

/** Sends one mail, trying again until the balancer is up. */
async function send(port: number): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const client = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
  const mail = { from: 'a@x.org', to: 'b@x.org', subject: 's', text: 't' };
  for (let attempt = 0; ; attempt++) {
    try {
      await client.sendMail(mail);
      break;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  client.close();
}
