// Owns: what must hold between settings. Runs on values that are each good by themselves, before
// derived defaults; a rule is skipped when one of its settings was already reported.

import { formatDuration } from './duration.js';
import { type Endpoint, formatEndpoint, isWildcard } from './endpoint.js';
import type { Origin, Problems } from './problem.js';
import { flagName, type SettingKey, settings, type Values, variableName } from './schema.js';

export interface Checked {
  readonly values: Values;
  readonly origins: { readonly [K in SettingKey]: Origin };
  /** Settings whose text was bad; their value is the default. */
  readonly bad: ReadonlySet<SettingKey>;
  readonly problems: Problems;
}

interface Rule {
  readonly about: readonly SettingKey[];
  readonly check: (checked: Checked) => void;
}

const RULES: readonly Rule[] = [
  { about: ['raftEnabled', 'raftNodeId'], check: requireNodeId },
  { about: ['raftEnabled', 'raftPeers'], check: peersNeedRaft },
  { about: ['raftHeartbeatTimeout', 'raftElectionTimeout'], check: heartbeatBelowElection },
  { about: ['raftPeers', 'raftNodeId'], check: distinctPeers },
  { about: ['raftPeers', 'raftNodeId', 'raftAdvertiseAddr'], check: ownPeerAddress },
  { about: ['raftPeers', 'raftNodeId', 'raftAddr'], check: peersAreOthers },
  { about: ['raftEnabled', 'raftAddr', 'raftAdvertiseAddr', 'raftPeers'], check: reachable },
  {
    about: ['listen', 'raftEnabled', 'raftAddr', 'gatewayListen', 'metricsPort', 'metricsEnabled'],
    check: distinctListeners,
  },
];

export function checkTogether(checked: Checked): void {
  for (const rule of RULES) {
    if (!rule.about.some((key) => checked.bad.has(key))) rule.check(checked);
  }
}

function isSet(checked: Checked, key: SettingKey): boolean {
  return checked.origins[key].source !== 'default';
}

function requireNodeId(checked: Checked): void {
  if (!checked.values.raftEnabled || isSet(checked, 'raftNodeId')) return;
  const names = `-${flagName('raftNodeId')}, ${variableName('raftNodeId')}`;
  checked.problems.add(
    settings.raftNodeId.path,
    `is not set and raft is on; expected ${names} or ${settings.raftNodeId.path} in the file`,
  );
}

function peersNeedRaft(checked: Checked): void {
  if (checked.values.raftEnabled || checked.values.raftPeers.length === 0) return;
  checked.problems.add(
    checked.origins.raftPeers.label,
    'peers are given but raft is off; expected -raft=true as well, or no peers',
  );
}

function heartbeatBelowElection(checked: Checked): void {
  const heartbeat = checked.values.raftHeartbeatTimeout;
  const election = checked.values.raftElectionTimeout;
  if (heartbeat < election) return;
  const key = isSet(checked, 'raftHeartbeatTimeout')
    ? 'raftHeartbeatTimeout'
    : 'raftElectionTimeout';
  checked.problems.add(
    checked.origins[key].label,
    `heartbeat ${formatDuration(heartbeat)} is not below the election timeout ` +
      `${formatDuration(election)}; expected a fifth of it or less`,
  );
}

function distinctPeers(checked: Checked): void {
  const label = checked.origins.raftPeers.label;
  const ids = new Set<string>();
  const addresses = new Map<string, string>();
  for (const peer of checked.values.raftPeers) {
    if (ids.has(peer.id)) {
      checked.problems.add(label, `node id "${peer.id}" is here twice; expected each id once`);
    }
    ids.add(peer.id);
    const address = formatEndpoint(peer.address);
    const other = addresses.get(address);
    if (other !== undefined && other !== peer.id) {
      const both = `${other} and ${peer.id}`;
      checked.problems.add(label, `${both} have the same address ${address}; expected one each`);
    }
    addresses.set(address, peer.id);
  }
}

function ownPeerAddress(checked: Checked): void {
  const { raftPeers, raftNodeId, raftAdvertiseAddr } = checked.values;
  const own = raftPeers.find((peer) => peer.id === raftNodeId);
  if (own === undefined || !isSet(checked, 'raftAdvertiseAddr')) return;
  const listed = formatEndpoint(own.address);
  const advertised = formatEndpoint(raftAdvertiseAddr);
  if (listed === advertised) return;
  checked.problems.add(
    checked.origins.raftAdvertiseAddr.label,
    `is ${advertised} but the peers give ${listed} for ${raftNodeId}; expected the same`,
  );
}

function peersAreOthers(checked: Checked): void {
  const { raftPeers, raftNodeId, raftAddr } = checked.values;
  if (isWildcard(raftAddr.host) || raftAddr.port === 0) return;
  const own = formatEndpoint(raftAddr);
  for (const peer of raftPeers) {
    if (peer.id === raftNodeId || formatEndpoint(peer.address) !== own) continue;
    checked.problems.add(
      checked.origins.raftPeers.label,
      `${peer.id} has this node's own address ${own}; expected another, or its id to be ` +
        `this node's (${raftNodeId})`,
    );
  }
}

function reachable(checked: Checked): void {
  const { raftEnabled, raftAddr, raftPeers, raftNodeId } = checked.values;
  if (!raftEnabled || !isWildcard(raftAddr.host) || isSet(checked, 'raftAdvertiseAddr')) return;
  if (raftPeers.some((peer) => peer.id === raftNodeId)) return;
  checked.problems.add(
    checked.origins.raftAddr.label,
    'is all interfaces, which the other members cannot connect to; expected a host name or ' +
      `address, or -${flagName('raftAdvertiseAddr')} as well`,
  );
}

function distinctListeners(checked: Checked): void {
  const { values, origins } = checked;
  const listeners: Array<readonly [SettingKey, Endpoint]> = [['listen', values.listen]];
  if (values.raftEnabled) listeners.push(['raftAddr', values.raftAddr]);
  if (values.gatewayListen !== null) listeners.push(['gatewayListen', values.gatewayListen]);
  const metrics = isSet(checked, 'metricsEnabled')
    ? values.metricsEnabled
    : isSet(checked, 'metricsPort');
  if (metrics) listeners.push(['metricsPort', values.metricsPort]);
  listeners.forEach(([key, at], index) => {
    for (const [otherKey, other] of listeners.slice(0, index)) {
      if (!clash(at, other)) continue;
      const later = isSet(checked, key) ? key : otherKey;
      const earlier = later === key ? otherKey : key;
      checked.problems.add(
        origins[later].label,
        `${formatEndpoint(values[later] as Endpoint)} is also ${settings[earlier].path}; ` +
          'expected another port for each',
      );
    }
  });
}

function clash(a: Endpoint, b: Endpoint): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return a.host === b.host || isWildcard(a.host) || isWildcard(b.host);
}
