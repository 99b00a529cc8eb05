// Goal: helios-cli against real daemons: what it says and how it exits, when all is well and when
// the id, the address, the node or the leader is not there. A message names what was wrong and what
// to do.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askLine, type Cluster, type Daemon, eventually, freePorts, raftInfo } from './daemon.js';
import { plannedNodes, voters } from './members.js';

const CLI = fileURLToPath(new URL('../../bin/helios-cli', import.meta.url));
const LONG_MS = 120_000;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** One run of the program to its end. */
function cli(...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [CLI, ...args], (failure, out, error) => {
      const code = failure === null ? 0 : failure.code;
      if (typeof code === 'number') resolve({ code, out: out.trim(), error: error.trim() });
      else reject(failure);
    });
  });
}

let cluster: Cluster;
/** node-1 to node-3 are a cluster; node-4 runs and belongs to none; node-5 was never started. */
let daemons: Daemon[];

function at({ spec }: Daemon, ...args: string[]): Promise<Ended> {
  return cli('--port', String(spec.port), ...args);
}

function addressOf({ spec }: Daemon): string {
  return `127.0.0.1:${spec.raftPort}`;
}

async function follower(): Promise<Daemon> {
  const leader = await leaderOf(daemons.slice(0, 3));
  return daemons.slice(0, 3).find((daemon) => daemon !== leader)!;
}

function leaderOf(members: readonly Daemon[]): Promise<Daemon> {
  return eventually('a leader', async () => {
    const infos = await Promise.all(members.map(({ spec }) => raftInfo(spec.port)));
    const leading = infos.findIndex((info) => info.raft_state === 'Leader');
    const agreed = infos.every((info) => info.raft_leader === members[leading]?.spec.id);
    return leading >= 0 && agreed ? members[leading]! : null;
  });
}

beforeAll(async () => {
  const peers = [1, 2, 3];
  cluster = await plannedNodes([{ peers }, { peers }, { peers }, {}, {}]);
  daemons = cluster.daemons;
  await Promise.all(daemons.slice(0, 4).map((daemon) => daemon.start()));
  await voters(daemons[0]!, 3);
}, LONG_MS);

afterAll(() => cluster?.stop());

describe('what is asked in order', () => {
  it('status: the fields of the node, also as JSON', async () => {
    const { code, out } = await at(daemons[0]!, 'status');
    expect(code).toBe(0);
    expect(out).toMatch(/^raft_node_id:node-1$/m);
    const json = await at(daemons[0]!, '--json', 'status');
    expect(JSON.parse(json.out)).toMatchObject({ raft_node_id: 'node-1', raft_voters: '3' });
  });

  it('listpeers: one line a member, also as JSON', async () => {
    const { code, out } = await at(await follower(), 'listpeers');
    expect(code).toBe(0);
    expect(out.split('\n')).toHaveLength(3);
    expect(out).toMatch(/^id=node-1 role=(voter|leader) addr=127\.0\.0\.1:\d+ /m);
    const { out: json } = await at(await follower(), '--json', 'listpeers');
    const members = JSON.parse(json) as Array<Record<string, string>>;
    expect(members.map(({ id }) => id)).toEqual(['node-1', 'node-2', 'node-3']);
    expect(members.filter(({ role }) => role === 'leader')).toHaveLength(1);
  });

  it('transfer: to whom is named, at any node', async () => {
    const asked = await follower();
    const { code, out } = await at(asked, 'transfer', asked.spec.id);
    expect({ code, out }).toEqual({ code: 0, out: 'OK' });
    expect(await leaderOf(daemons.slice(0, 3))).toBe(asked);
  });

  it(
    'addpeer, demote, promote, removepeer',
    async () => {
      const four = daemons[3]!;
      const added = await at(await follower(), 'addpeer', 'node-4', addressOf(four));
      expect(added).toMatchObject({ code: 0, error: '' });
      expect(added.out).toMatch(/^node-4 is a learner now and becomes a voter/);
      await voters(daemons[0]!, 4);
      expect(await at(await follower(), 'demote', 'node-4')).toMatchObject({ code: 0, out: 'OK' });
      const list = await at(daemons[0]!, 'listpeers');
      expect(list.out).toMatch(/^id=node-4 role=learner stays=learner /m);
      await eventually('node-4 is promoted', async () =>
        (await at(await follower(), 'promote', 'node-4')).code === 0 ? true : null,
      );
      await voters(daemons[0]!, 4);
      const removed = await at(await follower(), 'removepeer', 'node-4');
      expect(removed).toMatchObject({ code: 0, out: 'OK' });
      await voters(daemons[0]!, 3);
    },
    LONG_MS,
  );
});

describe('what cannot be', () => {
  it.each([
    [['removepeer', 'node-9'], /node-9 is not a member; the members are node-1, node-2, node-3/],
    [['promote', 'node-9'], /node-9 is not a member; the members are/],
    [['demote', 'node-9'], /node-9 is not a member; the members are/],
    [['transfer', 'node-9'], /node-9 is not a member; the voters are node-1, node-2, node-3/],
    [['promote', 'node-1'], /node-1 is a voter already/],
    [['addpeer', 'node-9', 'nowhere'], /node-9 nowhere: expected an id and host:port/],
    [['addpeer', 'node-9', '127.0.0.1:70000'], /expected an id and host:port/],
    [['addpeer', 'a b', '127.0.0.1:7'], /expected an id and host:port/],
    [['reset', 'node-1'], /node-1 is a member of a cluster with node-2, node-3: RAFT\.REMOVEPEER/],
  ])('%j is refused in words, with status 1', async (args, words) => {
    const { code, out, error } = await at(daemons[0]!, ...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(error).toMatch(/^helios-cli: /);
    expect(error).toMatch(words);
    expect(error.split('\n')).toHaveLength(1);
  });

  it('addpeer of a node that is not started says where nothing answers', async () => {
    const five = daemons[4]!;
    const { code, error } = await at(daemons[0]!, 'addpeer', 'node-5', addressOf(five));
    expect(code).toBe(1);
    expect(error).toContain(`nothing answers at ${addressOf(five)}`);
    expect(error).toMatch(/Start node-5 there with -raft=true/);
  });

  it('addpeer at the address of another says who that is', async () => {
    const there = addressOf(daemons[1]!);
    const { code, error } = await at(daemons[0]!, 'addpeer', 'node-7', there);
    expect(code).toBe(1);
    expect(error).toContain(`${there} is the address of node-2`);
  });

  it('a node that is not there is named, with status 1', async () => {
    const [port] = await freePorts(1);
    for (const word of ['status', 'listpeers', 'transfer']) {
      const { code, out, error } = await cli('--port', String(port), word);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(error).toMatch(
        new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached: .*ECONNREFUSED`),
      );
    }
    const elsewhere = await cli('--host', 'no.such.host.invalid', 'status');
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.error).toMatch(/no\.such\.host\.invalid:6379 cannot be reached/);
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['addpeer', 'node-9'], /missing required argument 'addr'/],
    [['removepeer'], /missing required argument 'id'/],
    [['removepeer', 'node-1', 'node-2'], /too many arguments/],
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['--port', '0', 'status'], /'0' is invalid.*expected a number from 1 to 65535/],
    [['--port', 'x', 'status'], /'x' is invalid/],
    [['status', '--sideways'], /unknown option '--sideways'/],
  ])('%j ends with status 2 and asks nobody', async (args, words) => {
    const { code, error } = await cli(...args);
    expect(code).toBe(2);
    expect(error).toMatch(words);
  });
});

describe('without a leader', () => {
  it(
    'changes are refused at once, and the node tells what it knows',
    async () => {
      const leader = await leaderOf(daemons.slice(0, 3));
      const left = await follower();
      const third = daemons.slice(0, 3).find((daemon) => daemon !== leader && daemon !== left)!;
      await Promise.all([leader.kill(), third.kill()]);
      await eventually('it knows that nobody leads', async () =>
        (await raftInfo(left.spec.port)).raft_leader === '' ? true : null,
      );
      for (const args of [['removepeer', third.spec.id], ['transfer']]) {
        const { code, error } = await at(left, ...args);
        expect(code).toBe(1);
        expect(error).toMatch(/no leader is known here: ask again when there is one/);
      }
      const { code, out } = await at(left, 'listpeers');
      expect(code).toBe(0);
      expect(out.split('\n')).toHaveLength(3);
      expect((await at(left, 'status')).out).toMatch(/^raft_leader:$/m);
      await Promise.all([leader.start(), third.start()]);
      await leaderOf(daemons.slice(0, 3));
      expect(await askLine(left.spec.port, 'SET again 1')).toBe('OK');
    },
    LONG_MS,
  );
});
