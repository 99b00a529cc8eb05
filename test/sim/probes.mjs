// Owns: coverage probes: rare situations that a simulator is worth nothing without. Each is a line
// that a node logs, or a place in the sources where a call is built in (build.mjs; a mutant and the
// product have none of it). A run's summary tells how often each was hit, and which never were.

/**
 * `at` stands once in src/`file`; the call goes before or behind it, under the condition `when`.
 * @typedef {{ name: string, file: string, at: string, when?: string, before?: boolean }} Place
 */
/** @typedef {{ name: string, log: string }} Line */

/** @type {readonly Place[]} */
export const PLACES = [
  {
    name: 'conflicting tail truncated',
    file: 'raft/state.ts',
    at: 'if (first <= this.log.lastIndex) {',
  },
  {
    name: 'write on its way is truncated',
    file: 'raft/durability.ts',
    at: 'const write = this.#writes.at(i)!;',
    when: 'write.lastIndex > last',
  },
  {
    name: 'membership taken back',
    file: 'raft/membership.ts',
    at: 'if (count === this.#indexes.length) return false;',
  },
  {
    name: 'leader steps down in a joint membership',
    file: 'raft/roles.ts',
    at: "if (state.role !== 'leader') return;",
    when: 'state.membership.outgoing.length > 0',
  },
  { name: 'leader without a quorum', file: 'raft/leader.ts', at: 'if (!heardQuorum(state)) {' },
  {
    name: 'uncommitted limit',
    file: 'raft/leader.ts',
    at: 'if (pending > 0 && pending + size > state.config.uncommittedBytesMax) return null;',
    before: true,
    when: 'pending > 0 && pending + size > state.config.uncommittedBytesMax',
  },
  {
    name: 'removed leader retires',
    file: 'raft/handover.ts',
    at: 'for (const peer of state.peers) sendHeartbeat(state, peer, 0);',
  },
  {
    name: 'transfer aborted',
    file: 'raft/handover.ts',
    at: "if (state.transferee === '' || state.now < state.transferDeadline) return false;",
  },
  {
    name: 'campaign of one whose removal is not committed',
    file: 'raft/state.ts',
    at: 'if (currentIndex <= this.commitIndex) return false;',
  },
  {
    name: 'amnesia refusal',
    file: 'raft/state.ts',
    at: "return this.admission === 'new' && lastIndex === 0;",
    before: true,
    when: "!(this.admission === 'new' && lastIndex === 0)",
  },
  {
    name: 'vote after amnesia for a log that knows the new directory',
    file: 'raft/state.ts',
    at: "if (this.admission === 'admitted' || (uuid !== '' && uuid === this.config.uuid)) return true;",
    before: true,
    when: "this.admission !== 'admitted' && uuid !== '' && uuid === this.config.uuid",
  },
  {
    name: 'lease refuses a vote',
    file: 'raft/election.ts',
    at: "const free = state.vote === '' && state.leader === '';",
    when: '!message.transfer && state.lease.promised',
  },
  {
    name: 'vote refused for a shorter log',
    file: 'raft/election.ts',
    at: "respond(state, message, 'voteResponse', granted, state.term);",
    before: true,
    when: '!granted && !state.log.isUpToDate(message.lastIndex, message.lastTerm)',
  },
  {
    name: 'pre-vote refused beside a leader',
    file: 'raft/election.ts',
    at: "respond(state, message, 'preVoteResponse', granted, granted ? message.term : state.term);",
    before: true,
    when: '!granted && state.hasRecentLeader',
  },
  {
    name: 'candidate loses',
    file: 'raft/election.ts',
    at: "const raced = state.role === 'candidate';",
    when: 'raced',
  },
  {
    name: 'lease read without a round',
    file: 'raft/leader-reads.ts',
    at: 'if (leaseMsLeft(state) > 0) {',
  },
  {
    name: 'read refused by the lease of a handed on leadership',
    file: 'raft/read-lease.ts',
    at: 'if (this.#config === null || this.#revoked) return 0;',
    before: true,
    when: 'this.#config !== null && this.#revoked',
  },
  {
    name: 'read waits for the term’s first commit',
    file: 'raft/leader-reads.ts',
    at: 'if (!reads.collecting || state.commitIndex < state.termStart) return;',
    before: true,
    when: 'reads.collecting && state.commitIndex < state.termStart',
  },
  {
    name: 'hint skips a term',
    file: 'raft/replication.ts',
    at: 'const from = Math.min(message.hintIndex, state.log.lastIndex);',
    when: 'state.log.findAtMost(from, message.hintTerm) < from',
  },
  {
    name: 'empty append after a lost window',
    file: 'raft/replication.ts',
    at: "const behind = peer.state === 'replicate' && peer.match < state.log.lastIndex;",
    when: 'behind && (peer.inflights.full || peer.next > state.log.lastIndex)',
  },
  {
    name: 'snapshot replaces a conflicting log',
    file: 'raft/follower.ts',
    at: '    state.beginSnapshot(meta);',
    before: true,
    when: 'known >= 0',
  },
  {
    name: 'snapshot that the log holds already',
    file: 'raft/follower.ts',
    at: 'state.commitTo(meta.index);',
  },
  {
    name: 'append while a snapshot is installed',
    file: 'raft/follower.ts',
    at: 'if (state.pendingSnapshot !== null || !wellFormed(message)) return;',
    before: true,
    when: 'state.pendingSnapshot !== null',
  },
  {
    name: 'rebuild in the log',
    file: 'raft/core.ts',
    at: "if (state.log.termAt(meta.index) === meta.term) return 'kept';",
    before: true,
    when: 'state.log.termAt(meta.index) === meta.term',
  },
  {
    name: 'snapshot stream goes on where it broke',
    file: 'replica/snapshot-receiver.ts',
    at: 'if (left !== null && left.from === from && isSameSnapshot(left.begin, begin)) {',
    when: 'left.received > 0',
  },
  {
    name: 'snapshot refused beside another',
    file: 'replica/snapshot-receiver.ts',
    at: 'if (rival !== null) {',
  },
  {
    name: 'history sent again',
    file: 'replica/history-feeder.ts',
    at: 'if (this.#flying.length > 0 && now - this.#sentAt >= RESEND_MS) {',
  },
  {
    name: 'history does not match',
    file: 'replica/history-feeder.ts',
    at: 'if (refusals > this.#refusals) {',
  },
  {
    name: 'repeat kept out of the log',
    file: 'replica/sequencer.ts',
    at: 'if (end.firstSeq + end.count - 1 <= last) return TAKEN;',
    before: true,
    when: 'end.firstSeq + end.count - 1 <= last',
  },
  {
    name: 'gap refused by the leader',
    file: 'replica/sequencer.ts',
    at: 'if (runs[0]!.firstSeq > last + 1) return',
    before: true,
    when: 'runs[0]!.firstSeq > last + 1',
  },
  {
    name: 'transaction undone by its watch in the log',
    file: 'machine/machine.ts',
    at: 'runs = fresh && untouched;',
    when: 'fresh && !untouched',
  },
  {
    name: 'writes wait while a snapshot is installed',
    file: 'replica/replica.ts',
    at: 'this.#proposals.skipTo(this.machine.lastSeq(origin, incarnation));',
    before: true,
    when: 'this.#proposals.bytes > 0',
  },
  {
    name: 'wrong cluster refused',
    file: 'replica/gatekeeper.ts',
    at: "if (own !== '' && member.clusterId !== '' && member.clusterId !== own) {",
  },
  {
    name: 'removed node refused',
    file: 'replica/gatekeeper.ts',
    at: 'if (committed.removed.includes(uuid)) return removed(id);',
    before: true,
    when: 'committed.removed.includes(uuid)',
  },
  {
    name: 'leftover of an interrupted step removed',
    file: 'storage/log-recovery.ts',
    at: 'const leftover = isOwnName(name) && !named.has(name);',
    when: 'leftover',
  },
  {
    name: 'segment that no manifest names',
    file: 'storage/log-recovery.ts',
    at: 'if (seq === null || seq <= newest) continue;',
  },
  {
    name: 'write tried again when there is room',
    file: 'storage/disk-space.ts',
    at: 'if (!isDiskFull(error)) throw error;',
  },
];

/** @type {readonly Line[]} */
export const LINES = [
  { name: 'torn end of the log cut', log: 'Cut the unfinished end of the log' },
  { name: 'copy of term and vote repaired', log: 'A copy of term and vote is repaired' },
  { name: 'damaged data set aside', log: 'Data is damaged: set aside' },
  { name: 'damaged term and vote set aside', log: 'Term and vote are damaged' },
  { name: 'log gone, term kept', log: 'The log is gone: rejoining' },
  { name: 'life ended to rejoin or to be added', log: 'Starting anew' },
  { name: 'snapshot installed', log: 'Snapshot installed' },
  { name: 'snapshot stream broke', log: 'Snapshot not received' },
  { name: 'received snapshot not usable', log: 'Received snapshot is not usable' },
  { name: 'damaged snapshot replaced', log: 'Snapshot on disk is damaged' },
  { name: 'snapshot failed', log: 'Snapshot failed' },
  { name: 'checkpoint left out', log: 'Checkpoint left out' },
  { name: 'member fed from history', log: 'Member caught up from the log on disk' },
  { name: 'quarantine', log: 'QUARANTINE' },
  { name: 'quarantine over', log: 'Quarantine over' },
  { name: 'disk full', log: 'Disk is full' },
  { name: 'disk has room again', log: 'Disk has room again' },
  { name: 'disk stalled', log: 'Disk is stalled' },
  { name: 'disk goes on', log: 'Disk goes on' },
  { name: 'leadership given up for a disk', log: 'Leadership given up' },
  { name: 'leadership handed over', log: 'Leadership handed over' },
  { name: 'member lost its data', log: 'Member lost its data' },
  { name: 'member added', log: 'Member added as a learner' },
  { name: 'member replaced', log: 'Member replaced' },
  { name: 'member removed', log: 'Member removed' },
  { name: 'learner becomes a voter', log: 'Learner caught up' },
  { name: 'node learns that it was removed', log: 'This node was removed' },
];

/** As patches for build.mjs. */
export function probePatches() {
  return PLACES.map(({ name, file, at, when, before }) => {
    const call = `(globalThis as { simProbe?: (name: string) => void }).simProbe?.(${JSON.stringify(name)});`;
    const code = when === undefined ? call : `if (${when}) ${call}`;
    return { file: `src/${file}`, from: at, to: before ? `${code} ${at}` : `${at} ${code}` };
  });
}

/** How often each was hit, from the counts of runs: names that begin with `probe` or `log`. */
export function probeHits(entries) {
  const hits = new Map([...PLACES, ...LINES].map(({ name }) => [name, 0]));
  for (const [count, value] of entries) {
    const place = count.startsWith('probe ') ? count.slice(6) : null;
    const line = LINES.find(({ log }) => count.startsWith(`log ${log}`));
    const name = place ?? line?.name;
    if (name !== undefined) hits.set(name, (hits.get(name) ?? 0) + value);
  }
  return hits;
}
