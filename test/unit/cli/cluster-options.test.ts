// The command line of helios-cluster, its plan, its screen, and the directory it may delete.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { clusterHelp, parseClusterOptions } from '../../../src/cli/cluster-options.js';
import { atlasSpec, planCluster, smtpSpec } from '../../../src/cli/cluster-plan.js';
import { prepareDataDirectory, resetDataDirectory } from '../../../src/cli/data-directory.js';
import { readyScreen } from '../../../src/cli/screen.js';

const root = mkdtempSync(join(tmpdir(), 'helios-cluster-options-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('options', () => {
  it('has the documented defaults', () => {
    expect(parseClusterOptions([])).toMatchObject({
      nodes: 3,
      smtp: 3,
      ports: [6379, 6380, 6381],
      raftPorts: [7000, 7001, 7002],
      metricsPorts: [9090, 9091, 9092],
      smtpPorts: [2525, 2526, 2527],
      smtpMetricsPorts: [8080, 8081, 8082],
      dataDir: './data',
      nextHop: null,
    });
  });

  it('takes first ports, lists, zero, and no SMTP nodes', () => {
    const options = parseClusterOptions(['--nodes=2', '--base-port', '7,9', '--no-smtp']);
    expect(options).toMatchObject({ nodes: 2, ports: [7, 9], smtp: 0, smtpPorts: [] });
    const free = parseClusterOptions(['--ports-from=0', '--base-port=5']);
    expect(free).toMatchObject({ ports: [5, 6, 7], raftPorts: [0, 0, 0], sinkPort: 0 });
    expect(parseClusterOptions(['--next-hop', 'mx:25']).nextHop).toEqual({ host: 'mx', port: 25 });
  });

  it.each([
    ['--nodes=0', '--nodes: "0" is not a whole number from 1 to 9'],
    ['--base-port=1,2', '--base-port: has 2 ports for 3; expected one each'],
    ['--base-port=70000', '--base-port: "70000" is not a whole number from 0 to 65535'],
    ['--next-hop=mx', '--next-hop: "mx" has no port; expected host:port'],
    ['--node=1', '-node: unknown option (did you mean "-nodes"?)'],
    ['--ports-from=9', '--ports-from: only 0 (any free port) is supported'],
  ])('refuses %s', (word, message) => {
    expect(() => parseClusterOptions([word])).toThrow(message);
  });

  it('lists every option in --help', () => {
    for (const name of ['--nodes', '--base-port', '--reset', '--next-hop', '--ports-from']) {
      expect(clusterHelp()).toContain(name);
    }
  });
});

describe('plan', () => {
  it('names each taken port, who wants it and the option to change', async () => {
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(0, '127.0.0.1', done));
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const options = parseClusterOptions(['--ports-from=0', `--base-port=0,${port},0`]);
    await expect(planCluster(options)).rejects.toThrow(
      `node-2: port ${port} cannot be used (it is taken); use --base-port to choose another`,
    );
    await new Promise((done) => holder.close(done));
  });

  it('gives every process its own ports, all peers, and the nearest store first', async () => {
    const plan = await planCluster(parseClusterOptions(['--ports-from=0', '--data-dir=d']));
    const ports = [
      ...plan.atlas.flatMap((node) => [node.port, node.raftPort, node.metricsPort]),
      ...plan.smtp.flatMap((node) => [node.port, node.metricsPort]),
      plan.mailbox?.port ?? 0,
    ];
    expect(new Set(ports).size).toBe(16);
    const programs = { atlasd: 'A', smtp: 'S' };
    const second = plan.atlas[1];
    const mail = plan.smtp[1];
    if (second === undefined || mail === undefined) throw new Error('no second node');
    const atlas = atlasSpec(plan, second, programs);
    expect(atlas.argv).toContain(`-raft-addr=127.0.0.1:${second.raftPort}`);
    expect(atlas.env.HELIOS_RAFT_PEERS?.split(',')).toHaveLength(3);
    expect(atlas.logFile).toBe(join('d', 'node2', 'atlasd.log'));
    const smtp = smtpSpec(plan, mail, programs);
    expect(smtp.env.VALKEY_URL).toMatch(new RegExp(`^valkey://127\\.0\\.0\\.1:${second.port},`));
    expect(smtp.env.NEXT_HOP_PORT).toBe(String(plan.mailbox?.port));
    const pids = new Map([['node-2', 4711]]);
    const screen = readyScreen({ plan, leader: 'node-2', pids });
    expect(screen).toContain('kill -9 4711');
    expect(screen).toContain(`redis-cli -p ${plan.atlas[0]?.port} SET mykey "hello cluster"`);
    expect(screen.split('\n').length).toBeLessThan(45);
  });
});

describe('the data directory', () => {
  it('is deleted by --reset only when helios-cluster made it', () => {
    const ours = join(root, 'ours');
    prepareDataDirectory(ours);
    writeFileSync(join(ours, 'x'), '');
    prepareDataDirectory(ours);
    resetDataDirectory(ours);
    expect(existsSync(ours)).toBe(false);
    resetDataDirectory(ours);

    const foreign = join(root, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'x'), '');
    prepareDataDirectory(foreign);
    expect(() => resetDataDirectory(foreign)).toThrow('was not made by helios-cluster');
    expect(existsSync(join(foreign, 'x'))).toBe(true);
  });
});
