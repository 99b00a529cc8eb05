// Owns: the box a run lives in: Linux namespaces of its own for network, mounts and processes, made
// by unshare(1), as root or by way of a user namespace. The kernel takes everything down with the
// first process of the box, however that ends, so a run can leave no interface, rule, namespace or
// daemon behind, and cannot touch any outside.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

const ROOT = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const USER = ['--user', '--map-root-user'];
/** What the box needs to be of use. */
const TRIAL =
  'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && ip link add br0 type bridge && ' +
  'ip netns add n1 && ip link add v1 type veth peer name eth0 netns n1 && ' +
  'ip netns exec n1 iptables -A INPUT -s 10.0.0.1 -j DROP';

export interface Box {
  /** Null when this machine or user cannot have one. */
  readonly unshare: readonly string[] | null;
  readonly reason: string;
}

/** Tries what a run will need and takes it down again. */
export function findBox(): Box {
  const options = process.getuid?.() === 0 ? [ROOT] : [[...USER, ...ROOT]];
  let reason = '';
  for (const unshare of options) {
    const { status, stderr, error } = spawnSync('unshare', [...unshare, 'sh', '-c', TRIAL]);
    if (status === 0) return { unshare, reason: '' };
    reason = error === undefined ? stderr.toString().trim() : error.message;
  }
  return { unshare: null, reason };
}

/**
 * Starts this program again inside the box, or without one. The same output; its input ends with
 * this process.
 */
export function startInside(
  unshare: readonly string[] | null,
  args: readonly string[],
): ChildProcess {
  const command = unshare === null ? [] : ['unshare', ...unshare];
  const [program, ...more] = [...command, process.execPath, ...args];
  return spawn(program!, more, { stdio: ['pipe', 'inherit', 'inherit'] });
}
