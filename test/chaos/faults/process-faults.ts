// Owns: faults of processes: killed, paused, stopped in good order, all at once; and what is merely
// asked of them.

import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ChaosCluster } from '../cluster/chaos-cluster.js';
import type { ChaosNode } from '../cluster/chaos-node.js';
import { anyNode, duration, type Fault, type FaultContext, leaderOrAny } from './fault.js';

async function killAndRestart(context: FaultContext, node: ChaosNode): Promise<void> {
  context.note(`kill ${node.id}`);
  await node.end('SIGKILL');
  await context.sleep(duration(context, 10, 5000));
  node.start();
}

async function pauseAndResume(context: FaultContext, node: ChaosNode): Promise<void> {
  const ms = duration(context, 10, 60_000);
  context.note(`pause ${node.id} for ${ms.toFixed(0)} ms`);
  node.pause();
  await context.sleep(ms);
  if (node.paused) node.resume();
}

/** Clusters whose members are being wiped. */
const wiped = new WeakSet<ChaosCluster>();

/** Everyone answers, and has its data and its vote: one more may lose them. */
async function isSound(cluster: ChaosCluster): Promise<boolean> {
  const infos = await Promise.all(cluster.nodes.map((node) => node.info('raft')));
  return infos.every((info) => {
    const voters = Number(info.get('raft_voters'));
    return info.get('raft_standing') === 'admitted' && voters === cluster.nodes.length;
  });
}

/**
 * A member loses its data directory. Never a second one before the first is a voter again: what a
 * majority acknowledged must stay on somebody's disk.
 */
async function wipeOne(context: FaultContext): Promise<void> {
  const { cluster } = context;
  if (wiped.has(cluster)) return;
  wiped.add(cluster);
  if (await isSound(cluster).catch(() => false)) {
    const node = anyNode(context);
    context.note(`wipe ${node.id}`);
    await node.end('SIGKILL');
    rmSync(join(node.directory, 'data'), { recursive: true, force: true });
    await context.sleep(duration(context, 10, 2000));
    node.start();
    // The others go on being harmed by the other lane meanwhile.
    while (!(await isSound(cluster).catch(() => false)) && !(await context.over(200)));
  }
  wiped.delete(cluster);
}

/** One line to the node's control socket (fault-daemon.ts); nothing when it does not run. */
function control(node: ChaosNode, line: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(node.controlFile, () => socket.write(`${line}\n`));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

/** `begin` and `end` are lines for fault-daemon.ts. */
async function troubleDisk(
  context: FaultContext,
  what: string,
  begin: string,
  end: string,
): Promise<void> {
  const node = context.rng.below(2) === 0 ? anyNode(context) : await leaderOrAny(context);
  const ms = duration(context, 50, 10_000);
  context.note(`disk of ${node.id} ${what} for ${ms.toFixed(0)} ms`);
  await control(node, begin);
  await context.sleep(ms);
  await control(node, end);
}

/**
 * How far a clock is moved at most, ms either way; the judge allows deadlines this error, twice.
 */
export const CLOCK_STEP_MS_MAX = 3000;

export const processFaults: readonly Fault[] = [
  {
    name: 'kill',
    needs: 'nothing',
    fast: true,
    run: async (context) => killAndRestart(context, anyNode(context)),
  },
  {
    name: 'kill-leader',
    needs: 'nothing',
    fast: true,
    run: async (context) => killAndRestart(context, await leaderOrAny(context)),
  },
  {
    name: 'kill-all',
    needs: 'nothing',
    fast: true,
    async run(context) {
      const { nodes } = context.cluster;
      context.note('kill all');
      await Promise.all(nodes.map((node) => node.end('SIGKILL')));
      await context.sleep(duration(context, 1, 2000));
      for (const node of nodes) node.start();
    },
  },
  {
    name: 'pause',
    needs: 'nothing',
    fast: true,
    run: async (context) => pauseAndResume(context, anyNode(context)),
  },
  {
    name: 'pause-leader',
    needs: 'nothing',
    fast: true,
    run: async (context) => pauseAndResume(context, await leaderOrAny(context)),
  },
  {
    name: 'stop',
    needs: 'nothing',
    fast: true,
    async run(context) {
      const node = context.rng.below(2) === 0 ? anyNode(context) : await leaderOrAny(context);
      context.note(`stop ${node.id}`);
      await node.end('SIGTERM');
      await context.sleep(duration(context, 10, 3000));
      node.start();
    },
  },
  {
    name: 'snapshot',
    needs: 'nothing',
    fast: true,
    async run(context) {
      const node = anyNode(context);
      context.note(`snapshot at ${node.id}`);
      await node.ask('BGSAVE').catch(() => node.forget());
    },
  },
  {
    name: 'transfer',
    needs: 'nothing',
    fast: true,
    async run(context) {
      const node = anyNode(context);
      context.note(`transfer asked of ${node.id}`);
      await node.ask('RAFT.TRANSFER').catch(() => node.forget());
    },
  },
  { name: 'wipe', needs: 'nothing', fast: false, run: wipeOne },
  {
    name: 'disk-full',
    needs: 'launcher',
    fast: false,
    run: (context) => troubleDisk(context, 'is full', 'full', 'room'),
  },
  {
    name: 'clock',
    needs: 'launcher',
    fast: true,
    async run(context) {
      const node = context.rng.below(2) === 0 ? anyNode(context) : await leaderOrAny(context);
      const step = Math.round((context.rng.float() * 2 - 1) * CLOCK_STEP_MS_MAX);
      context.note(`clock of ${node.id} moved by ${step} ms`);
      await control(node, `clock ${step}`);
      await context.sleep(duration(context, 100, 10_000));
      await control(node, 'clock 0');
    },
  },
  {
    name: 'stall',
    needs: 'launcher',
    fast: false,
    run: (context) => troubleDisk(context, 'stalls', 'stall', 'flow'),
  },
];
