// Owns: the defaults that follow from other settings, and the list of initial members.

import { type Endpoint, isWildcard } from './endpoint.js';
import type { Peer } from './peers.js';
import type { SettingKey, Values } from './schema.js';

type Origins = { readonly [K in SettingKey]: { readonly source: string } };
type Mutable = { -readonly [K in SettingKey]: Values[K] };

/**
 * Fills in what was not set; afterwards `raftPeers` has the other members only. Must not be called
 * twice.
 */
export function derive(values: Mutable, origins: Origins): void {
  const unset = (key: SettingKey): boolean => origins[key].source === 'default';
  if (unset('raftNodeId')) values.raftNodeId = 'node-1';
  if (unset('raftDataDir')) values.raftDataDir = `${values.dataDir.replace(/\/+$/, '')}/raft`;
  if (unset('metricsEnabled')) values.metricsEnabled = !unset('metricsPort');
  if (unset('raftAdvertiseAddr')) values.raftAdvertiseAddr = raftAdvertised(values);
  if (unset('advertiseAddr')) values.advertiseAddr = advertised(values);
  values.raftPeers = values.raftPeers.filter((peer) => peer.id !== values.raftNodeId);
}

function raftAdvertised(values: Values): Endpoint {
  const own = values.raftPeers.find((peer) => peer.id === values.raftNodeId);
  if (own !== undefined) return own.address;
  // check.ts refuses a wildcard when raft is on; otherwise nobody is told.
  const { host, port } = values.raftAddr;
  return { host: isWildcard(host) ? '127.0.0.1' : host, port };
}

function advertised(values: Values): Endpoint {
  const { host, port } = values.listen;
  if (!isWildcard(host)) return values.listen;
  const peerHost = values.raftEnabled ? values.raftAdvertiseAddr.host : '';
  return { host: isWildcard(peerHost) ? '127.0.0.1' : peerHost, port };
}

/**
 * The members a new cluster starts with, this one included, sorted by id; empty when no peers were
 * given.
 */
export function initialMembers(values: Values, peersGiven: boolean): readonly Peer[] {
  if (!peersGiven || !values.raftEnabled) return [];
  const self = { id: values.raftNodeId, address: values.raftAdvertiseAddr };
  return [...values.raftPeers, self].sort((a, b) => (a.id < b.id ? -1 : 1));
}
