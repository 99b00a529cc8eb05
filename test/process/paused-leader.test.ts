// Goal: a leader that was stopped by a signal, and replaced meanwhile, never answers a read from
// what it knew before (etcd #20418), with rounds and with leases. The read waits in its socket, so
// it is the first thing the leader does when it goes on.

import { createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, type Daemon, eventually, raftInfo } from './daemon.js';

const ROUNDS = 4;
let cluster: Cluster;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const daemon of cluster?.daemons ?? []) {
    if (daemon.running) process.kill(daemon.pid, 'SIGCONT');
  }
  await cluster?.stop();
});

/** A client that is connected now and reads replies line by line. */
async function client(port: number): Promise<{ socket: Socket; reply(): Promise<string> }> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  const reply = (): Promise<string> =>
    eventually('a reply', async () => {
      const whole = /^(?:\$\d+\r\n(.*)\r\n|\$(-1)\r\n|[-+:](.*)\r\n)/.exec(text);
      if (whole === null) return null;
      text = text.slice(whole[0].length);
      return whole[1] ?? whole[2] ?? whole[3] ?? '';
    });
  socket.write('PING\r\n');
  expect(await reply()).toBe('PONG');
  return { socket, reply };
}

/** Another daemon that leads while `paused` is stopped. */
function successor(paused: Daemon): Promise<Daemon> {
  return eventually('another leader', async () => {
    for (const daemon of cluster.daemons) {
      if (daemon === paused) continue;
      const { raft_state } = await raftInfo(daemon.spec.port);
      if (raft_state === 'Leader') return daemon;
    }
    return null;
  });
}

describe('a leader that was stopped and replaced', () => {
  it.each([
    ['rounds', []],
    ['leases', ['-raft-lease-reads=true']],
  ])('answers no stale read, with %s', { timeout: 120_000 }, async (how, args) => {
    cluster = await Cluster.start(3, args);
    for (let round = 1; round <= ROUNDS; round++) {
      const leader = await cluster.leader();
      const { port } = leader.spec;
      // A member that was slow to start is taken in as a learner first.
      await eventually('three voters', async () =>
        (await raftInfo(port)).raft_voters === '3' ? true : null,
      );
      await eventually('the value before', async () =>
        (await askLine(port, `SET k before-${round}`)) === 'OK' ? true : null,
      );
      if (how === 'leases') {
        await eventually('a lease', async () =>
          (await raftInfo(port)).raft_lease === 'held' ? true : null,
        );
      }
      const reader = await client(port);
      reader.socket.write('GET k\r\n');
      expect(await reader.reply()).toBe(`before-${round}`);

      process.kill(leader.pid, 'SIGSTOP');
      const next = await successor(leader);
      await eventually('the value after', async () =>
        (await askLine(next.spec.port, `SET k after-${round}`)) === 'OK' ? true : null,
      );
      reader.socket.write('GET k\r\n');
      process.kill(leader.pid, 'SIGCONT');
      expect(await reader.reply()).not.toBe(`before-${round}`);
    }
  });
});
