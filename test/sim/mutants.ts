// Owns: one-line faults that the simulator has to find, as patches of the sources: what the
// simulator is worth is how many seeds each one lives. They exist only in builds made for that
// (build.mjs); `from` stands exactly once in its file (test/sim/mutants.test.ts checks it).

export interface Mutant {
  readonly name: string;
  /** From src/ on. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Of cluster/options.ts. */
  readonly profile: string;
}

export const MUTANTS: readonly Mutant[] = [
  // Votes and terms.
  {
    name: 'vote-before-flush',
    file: 'raft/state.ts',
    from: 'index <= this.durability.index && this.durability.isDurable(this.term, this.vote);',
    to: 'index <= this.durability.index;',
    profile: 'election',
  },
  {
    name: 'hard-state-not-awaited',
    file: 'replica/durable-stream.ts',
    from: 'this.#sinks.saveHardState(job.hardState).then(',
    to: 'Promise.resolve(void this.#sinks.saveHardState(job.hardState)).then(',
    profile: 'election',
  },
  {
    name: 'entries-before-their-term',
    file: 'replica/durable-stream.ts',
    from: 'if (this.#saving) this.#held.push(job);\n    else this.#start(job);',
    to: 'this.#start(job);',
    profile: 'election',
  },
  {
    name: 'vote-ignores-log',
    file: 'raft/election.ts',
    from:
      'state.mayVoteFor(message.lastIndex, message.voterUuid) &&\n' +
      '    state.log.isUpToDate(message.lastIndex, message.lastTerm);\n' +
      '  if (granted) {\n    voteFor',
    to: 'state.mayVoteFor(message.lastIndex, message.voterUuid);\n  if (granted) {\n    voteFor',
    profile: 'rotate',
  },
  {
    name: 'second-vote-in-a-term',
    file: 'raft/roles.ts',
    from: "  assert(state.vote === '' || state.vote === candidate, 'second vote in one term');\n  state.vote = candidate;",
    to: "  if (state.vote === '') state.vote = candidate;",
    profile: 'rotate',
  },
  {
    name: 'stale-votes-counted',
    file: 'raft/roles.ts',
    from: '  state.votes.clear();\n  state.transferCampaign = false;',
    to: '  state.transferCampaign = false;',
    profile: 'partition',
  },
  {
    name: 'no-quorum-check',
    file: 'raft/leader.ts',
    from: 'if (!heardQuorum(state)) {',
    to: 'if (!heardQuorum(state) && state.peers.length === 0) {',
    profile: 'asymmetric',
  },
  // Replication and commit.
  {
    name: 'leader-counts-itself-before-flush',
    file: 'raft/leader.ts',
    from: 'if (self?.acknowledge(state.durability.index)) afterProgress(state);',
    to: 'if (self?.acknowledge(state.durability.handedIndex)) afterProgress(state);',
    profile: 'crash',
  },
  {
    name: 'ack-before-flush',
    file: 'raft/state.ts',
    from: 'index <= this.durability.index && this.durability.isDurable(this.term, this.vote);',
    to: 'this.durability.isDurable(this.term, this.vote);',
    profile: 'crash',
  },
  {
    name: 'commits-older-term-by-counting',
    file: 'raft/replication.ts',
    from: 'if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return false;',
    to: 'if (index <= state.commitIndex) return false;',
    profile: 'rotate',
  },
  {
    name: 'match-without-term',
    file: 'raft/follower.ts',
    from: 'if (state.log.termAt(message.prevIndex) !== message.prevTerm) {',
    to: 'if (state.log.termAt(message.prevIndex) < 0) {',
    profile: 'rotate',
  },
  {
    name: 'truncates-on-overlap',
    file: 'raft/follower.ts',
    from: 'const at = firstNew(state, message.entries);',
    to: 'const at = Math.min(firstNew(state, message.entries), 0);',
    profile: 'swizzle',
  },
  {
    name: 'append-commit-uncapped',
    file: 'raft/follower.ts',
    from: 'state.commitTo(Math.min(message.commitIndex, last));',
    to: 'state.commitTo(Math.min(message.commitIndex, state.log.lastIndex));',
    profile: 'rotate',
  },
  {
    name: 'heartbeat-commit-uncapped',
    file: 'raft/replication.ts',
    from: 'const commitIndex = Math.min(state.commitIndex, peer.match);',
    to: 'const { commitIndex } = state;',
    profile: 'partition',
  },
  {
    name: 'stale-completion-vouches',
    file: 'raft/durability.ts',
    from: 'if (write.lastIndex > last) write.lastIndex = last;',
    to: 'if (write.lastIndex < 0) write.lastIndex = last;',
    profile: 'rotate',
  },
  {
    name: 'quorum-is-half',
    file: 'raft/quorum.ts',
    from: 'return (size >> 1) + 1;',
    to: 'return (size + 1) >> 1;',
    profile: 'single',
  },
  {
    name: 'lost-window-not-sent-again',
    file: 'raft/replication.ts',
    from: "const behind = peer.state === 'replicate' && peer.match < state.log.lastIndex;",
    to: "const behind = peer.state === 'snapshot' && peer.match < state.log.lastIndex;",
    profile: 'swarm',
  },
  // Reads.
  {
    name: 'read-before-own-term-committed',
    file: 'raft/leader-reads.ts',
    from: 'if (!reads.collecting || state.commitIndex < state.termStart) return;',
    to: 'if (!reads.collecting) return;',
    profile: 'rotate',
  },
  {
    name: 'read-without-a-quorum',
    file: 'raft/leader-reads.ts',
    from: 'const round = jointIndex(rounds(state, state.voters), rounds(state, state.outgoing));',
    to: 'const { round } = state.leaderReads;',
    profile: 'pause',
  },
  {
    name: 'read-does-not-wait-for-apply',
    file: 'replica/reads.ts',
    from: '} else if (index <= appliedIndex && this.#confirmed.length === 0) {',
    to: '} else if (index <= appliedIndex + 2 && this.#confirmed.length === 0) {',
    profile: 'swarm',
  },
  {
    name: 'any-leader-reads-at-once',
    file: 'raft/core.ts',
    from: '(state.soleVoter || leaseMsLeft(state) > 0)',
    to: 'state.appliedIndex >= 0',
    profile: 'pause',
  },
  {
    name: 'sole-voter-reads-before-recovery',
    file: 'raft/core.ts',
    from: "      state.role === 'leader' &&\n      state.commitIndex >= state.termStart &&",
    to: "      state.role === 'leader' &&",
    profile: 'single',
  },
  {
    name: 'lease-never-ends',
    file: 'raft/read-lease.ts',
    from: 'return Math.max(0, openedAt + this.#config.durationMs - this.#clock);',
    to: 'return Math.max(1, openedAt + this.#config.durationMs - this.#clock);',
    profile: 'lease',
  },
  {
    name: 'lease-without-a-quorum',
    file: 'raft/leader-reads.ts',
    from: 'const round = jointIndex(promises(state, state.voters), promises(state, state.outgoing));',
    to: 'const { round } = state.leaderReads;',
    profile: 'lease',
  },
  {
    name: 'lease-not-revoked-at-transfer',
    file: 'raft/read-lease.ts',
    from: '    this.#revoked = true;',
    to: '    this.#revoked = this.#config === null;',
    profile: 'lease',
  },
  // Exactly once, and what clients are told.
  {
    name: 'repeat-applied-again',
    file: 'machine/origins.ts',
    from: 'if (seq !== this.lastSeq + 1) return false;',
    to: 'if (seq > this.lastSeq + 1) return false;',
    profile: 'rotate',
  },
  {
    name: 'origins-not-in-snapshot',
    file: 'replica/snapshot-aux.ts',
    from: "['helios-origins', JSON.stringify(state.origins)],",
    to: "['helios-origins', '[]'],",
    profile: 'snapshot',
  },
  {
    name: 'gap-taken-by-leader',
    file: 'replica/sequencer.ts',
    from: 'if (runs[0]!.firstSeq > last + 1) return { taken: false, expectedSeq: last + 1 };',
    to: 'if (runs[0]!.firstSeq > last + 1) this.bytes += 0;',
    profile: 'swizzle',
  },
  {
    name: 'unknown-told-as-refused',
    file: 'replica/proposals.ts',
    from: 'answer(batch.writes, i, UNKNOWN_OUTCOME);',
    to: 'answer(batch.writes, i, CLUSTER_DOWN);',
    profile: 'partition',
  },
  {
    name: 'waiters-forgotten-at-install',
    file: 'replica/replica.ts',
    from: 'this.#proposals.skipTo(this.machine.lastSeq(origin, incarnation));',
    to: 'this.machine.lastSeq(origin, incarnation);',
    profile: 'snapshot',
  },
  {
    name: 'watch-not-judged-in-the-log',
    file: 'machine/machine.ts',
    from: 'runs = fresh && untouched;',
    to: 'runs = fresh;',
    profile: 'swarm',
  },
  {
    name: 'watch-index-too-new',
    file: 'server/dispatch.ts',
    from: 'Math.max(1, server.group.appliedIndex);',
    to: 'Math.max(1, server.group.appliedIndex + 2);',
    profile: 'swarm',
  },
  {
    name: 'touches-not-in-snapshot',
    file: 'replica/snapshot-aux.ts',
    from: "['helios-touches', JSON.stringify(state.touches)],",
    to: '[\'helios-touches\', \'{"floor":0,"marks":[]}\'],',
    profile: 'snapshot',
  },
  {
    name: 'chance-of-this-process',
    file: 'machine/machine.ts',
    from: 'this.#writeContext.begin(this.time, this.time, record.seed, 0);',
    to: 'this.#writeContext.begin(this.time, this.time, this.writes, 0);',
    profile: 'swarm',
  },
  {
    name: 'expiry-by-index-not-time',
    file: 'machine/machine.ts',
    from: 'this.keyspace.reclaimDead(this.time, RECLAIM_PER_ENTRY);',
    to: 'this.keyspace.reclaimDead(this.time + (this.writes % 64), RECLAIM_PER_ENTRY);',
    profile: 'crash',
  },
  // The disk.
  {
    name: 'log-not-synced',
    file: 'storage/log-writer.ts',
    from: "const mustSync = this.#policy === 'every' || round.step !== null || this.#syncDue;",
    to: 'const mustSync = round.step !== null || this.#syncDue;',
    profile: 'crash',
  },
  {
    name: 'sync-error-ignored',
    file: 'storage/log-writer.ts',
    from: '  readonly #onSynced = (error: Error | null): void => {\n    if (this.#failed) return;\n    if (error !== null) {',
    to: '  readonly #onSynced = (error: Error | null): void => {\n    if (this.#failed) return;\n    if (error !== null && this.#failed) {',
    profile: 'disk',
  },
  {
    name: 'recovered-log-not-synced',
    file: 'storage/log-recovery.ts',
    from: '    file.sync((error) => (error === null ? resolve() : reject(error)));\n  });\n  return file;',
    to: '    if (cut === null) resolve();\n    else file.sync((error) => (error === null ? resolve() : reject(error)));\n  });\n  return file;',
    profile: 'swizzle',
  },
  {
    name: 'recovered-names-not-synced',
    file: 'storage/log-recovery.ts',
    from: '  await disk.syncDirectory(options.directory);\n  await disk.syncDirectory(aof);',
    to: '',
    profile: 'crash',
  },
  {
    name: 'segment-name-not-synced',
    file: 'storage/log-store.ts',
    from: '    await options.disk.syncDirectory(directory);\n    return file;',
    to: '    return file;',
    profile: 'snapshot',
  },
  {
    name: 'snapshot-not-synced',
    file: 'storage/snapshot-sink.ts',
    from: '    await this.#sync(file);\n    await file.close();\n    this.#finished = true;',
    to: '    await file.close();\n    this.#finished = true;',
    profile: 'snapshot',
  },
  {
    name: 'log-behind-snapshot-too-short',
    file: 'storage/log-store.ts',
    from: 's.seq >= this.#currentSeq || s.seq >= needed;',
    to: 's.seq >= this.#currentSeq;',
    profile: 'snapshot',
  },
  {
    name: 'replaced-tail-comes-back',
    file: 'storage/segment.ts',
    from: 'this.records.length = index - this.#base - 1;',
    to: 'this.records.length = Math.max(this.records.length, index - this.#base - 1);',
    profile: 'rotate',
  },
  {
    name: 'no-copy-on-write',
    file: 'storage/rdb/snapshot-writer.ts',
    from: '    this.#take(this.#aside, walk, slot);',
    to: '    if (slot >= 0) return;\n    this.#take(this.#aside, walk, slot);',
    profile: 'snapshot',
  },
];
