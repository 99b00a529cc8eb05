// Owns: the sections of INFO about the replicated group: replication (as Redis clients know it),
// raft (as it is), persistence, and keyspace.

import type { Database } from '../keyspace/database.js';
import type { GroupStatus } from '../replica/group.js';
import { type InfoField, splitAddress } from './info-format.js';
import type { Server } from './server.js';

/** Leader looks like a master to Redis clients, everyone else like a replica of it. */
export function replicationFields(server: Server): InfoField[] {
  const status = server.group.status();
  const { replicationId } = server.instruments.identity;
  const leads = status.role === 'Leader';
  return [
    ['role', leads ? 'master' : 'slave'],
    ...(leads ? replicaFields(status) : masterFields(status)),
    ['master_failover_state', 'no-failover'],
    ['master_replid', replicationId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', leads ? status.lastIndex : status.appliedIndex],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 1],
    ['repl_backlog_size', server.group.persistence().logBytes],
    ['repl_backlog_first_byte_offset', status.firstIndex],
    ['repl_backlog_histlen', Math.max(0, status.lastIndex - status.firstIndex + 1)],
  ];
}

function replicaFields(status: GroupStatus): InfoField[] {
  const slaves = status.peers.map((peer, i): InfoField => {
    const { host, port } = splitAddress(peer.respAddress);
    const state = peer.connected ? 'online' : 'wait_bgsave';
    const offsets = `offset=${peer.match},lag=${peer.connected ? 0 : 1}`;
    return [`slave${i}`, `ip=${host},port=${port},state=${state},${offsets}`];
  });
  const connected = status.peers.filter((peer) => peer.connected).length;
  return [['connected_slaves', connected], ...slaves];
}

function masterFields(status: GroupStatus): InfoField[] {
  const { host, port } = splitAddress(status.leaderAddress);
  return [
    ['master_host', host],
    ['master_port', port],
    ['master_link_status', status.leaderId === '' ? 'down' : 'up'],
    ['master_last_io_seconds_ago', status.leaderId === '' ? -1 : 0],
    ['master_sync_in_progress', 0],
    ['slave_read_repl_offset', status.lastIndex],
    ['slave_repl_offset', status.appliedIndex],
    ['slave_priority', 100],
    ['slave_read_only', 0],
    ['replica_announced', 1],
    ['connected_slaves', 0],
  ];
}

export function raftFields(server: Server): InfoField[] {
  const status = server.group.status();
  const membership = server.group.membership();
  const learners = membership.members.filter(({ role }) => role === 'learner').length;
  return [
    ['raft_enabled', String(status.enabled)],
    ['raft_node_id', status.nodeId],
    ['raft_state', status.role],
    ['raft_leader', status.leaderId],
    ['raft_leader_address', status.leaderAddress],
    ['raft_term', status.term],
    ['raft_commit_index', status.commitIndex],
    ['raft_applied_index', status.appliedIndex],
    ['raft_last_log_index', status.lastIndex],
    ['raft_first_log_index', status.firstIndex],
    ['raft_voters', status.voters],
    ['raft_learners', learners],
    ['raft_cluster_id', membership.clusterId],
    ['raft_node_uuid', membership.uuid],
    ['raft_standing', membership.standing],
    ['raft_pending_change', membership.pending],
    ['raft_transferee', membership.transferee],
    ['raft_removed_uuids', membership.removed],
    ['raft_elections', status.elections],
    ['raft_lease', status.lease.state],
    ['raft_lease_ms_left', Math.floor(status.lease.msLeft)],
    ['raft_peers', status.peers.length],
    ...status.peers.map((peer, i): InfoField => {
      const progress = `state=${peer.state},match=${peer.match},lag=${peer.lag}`;
      const text = `id=${peer.id},addr=${peer.address},${progress},connected=${peer.connected}`;
      return [`raft_peer${i}`, text];
    }),
    ...refusalFields(status.peerRefusals),
    ['raft_quarantined', status.integrity.quarantine === '' ? 0 : 1],
    ['raft_quarantine_reason', status.integrity.quarantine],
    ['raft_checkpoint_index', status.integrity.checkpoint],
    ['raft_checkpoint_digest', status.integrity.digest],
    ['raft_checkpoint_verdict', status.integrity.verdict],
    ['raft_digest_mismatches', status.integrity.mismatches],
    ['raft_digest_splits', status.integrity.splits],
    ...membership.members.map((member, i): InfoField => {
      const { id, role, leader, address, uuid } = member;
      const shown = leader ? 'leader' : role;
      return [`raft_member${i}`, `id=${id},role=${shown},addr=${address},uuid=${uuid}`];
    }),
    ...latencyFields('raft_fsync_usec', status.fsyncMicros),
    ...latencyFields('raft_replication_usec', status.replicationMicros),
  ];
}

function refusalFields(counts: GroupStatus['peerRefusals']): InfoField[] {
  const each = Object.entries(counts);
  const total = each.reduce((sum, [, count]) => sum + count, 0);
  return [
    ['raft_peer_refused', total],
    ...each.map(([cause, count]): InfoField => [`raft_peer_refused_${cause}`, count]),
  ];
}

function latencyFields(name: string, summary: GroupStatus['fsyncMicros']): InfoField[] {
  return [
    [`${name}_count`, summary.count],
    [`${name}_p50`, Math.round(summary.p50)],
    [`${name}_p99`, Math.round(summary.p99)],
    [`${name}_max`, Math.round(summary.max)],
  ];
}

export function persistenceFields(server: Server): InfoField[] {
  const disk = server.group.persistence();
  const { disk: health } = server.group.status();
  const running = disk.snapshotRunning ? 1 : 0;
  const outcome = disk.lastSnapshotOk ? 'ok' : 'err';
  const took = disk.lastSnapshotAt === 0 ? -1 : Math.floor(disk.lastSnapshotMs / 1000);
  return [
    ['loading', server.group.refusal()?.code === 'LOADING' ? 1 : 0],
    ['async_loading', 0],
    ['rdb_changes_since_last_save', server.group.machine.keyspace.dirty],
    ['rdb_bgsave_in_progress', running],
    ['rdb_last_save_time', Math.floor(disk.lastSnapshotAt / 1000)],
    ['rdb_last_bgsave_status', outcome],
    ['rdb_last_bgsave_time_sec', took],
    ['rdb_current_bgsave_time_sec', disk.snapshotRunning ? 0 : -1],
    ['aof_enabled', 1],
    ['aof_rewrite_in_progress', running],
    ['aof_rewrite_scheduled', 0],
    ['aof_last_rewrite_time_sec', took],
    ['aof_current_rewrite_time_sec', disk.snapshotRunning ? 0 : -1],
    ['aof_last_bgrewrite_status', outcome],
    ['aof_last_write_status', health.full || health.stalled ? 'err' : 'ok'],
    ['aof_current_size', disk.logBytes + disk.snapshotBytes],
    ['aof_base_size', disk.snapshotBytes],
    ['aof_pending_rewrite', 0],
    ['aof_buffer_length', 0],
    ['aof_pending_bio_fsync', disk.pendingFsync],
    ['aof_delayed_fsync', 0],
    ['aof_fsync', disk.fsync],
    ['helios_disk_full', health.full ? 1 : 0],
    ['helios_disk_stalled', health.stalled ? 1 : 0],
    ['helios_disk_stalls', health.stalls],
    ['helios_disk_refusing_growth', health.refusing ? 1 : 0],
    ['helios_disk_free_bytes', Number.isFinite(health.freeBytes) ? health.freeBytes : -1],
    ['log_history_size', disk.historyBytes],
    ['snapshot_failures', disk.snapshotFailures],
  ];
}

export function keyspaceFields(server: Server): InfoField[] {
  const fields: InfoField[] = [];
  for (const database of server.group.machine.keyspace.databases) {
    if (database.size === 0) continue;
    const ttl = Math.round(meanTtl(database, server.clock.now()));
    const counts = `keys=${database.size},expires=${database.volatileSize},avg_ttl=${ttl}`;
    fields.push([`db${database.index}`, counts]);
  }
  return fields;
}

/**
 * Slots looked at: enough for a mean that is right within a few percent, and over in microseconds.
 */
const TTL_SAMPLES = 512;

/** Mean ms left of volatile keys, over slots spread evenly; 0 when none was met. */
function meanTtl(database: Database, now: number): number {
  const { table } = database;
  if (database.volatileSize === 0) return 0;
  const stride = Math.max(1, Math.floor(table.slotCount / TTL_SAMPLES));
  let sum = 0;
  let count = 0;
  for (let slot = 0; slot < table.slotCount; slot += stride) {
    const at = table.expireAt(slot);
    if (at === 0) continue;
    sum += Math.max(0, at - now);
    count++;
  }
  return count === 0 ? 0 : sum / count;
}
