// Owns: giving leadership up because this node cannot do a leader's work, as when its disk hangs
// (research/raft.md N1, E4): at once, to whoever is furthest, without waiting for anybody.

import type { Progress } from './progress.js';
import { becomeFollower } from './roles.js';
import type { RaftState } from './state.js';

/**
 * Names a successor and steps down. Unlike a transfer it cannot wait until the successor has the
 * whole log: what this leader's disk did not take may never be committed. The successor is asked to
 * stand for election with what it has acknowledged; the rules of voting decide as always. A leader
 * without other voters stays: there is nobody to give way to.
 */
export function resign<B>(state: RaftState<B>): boolean {
  if (state.role !== 'leader' || state.soleVoter) return false;
  const successor = furthest(state);
  if (successor !== undefined) {
    state.send({
      type: 'timeoutNow',
      from: state.id,
      to: successor.id,
      term: state.term,
      lastIndex: successor.match,
      lastTerm: state.log.termAt(successor.match),
    });
  }
  becomeFollower(state, state.term, '');
  return true;
}

/** Of the voters that can be reached; one whose acknowledged end is no longer known is of no use. */
function furthest<B>(state: RaftState<B>): Progress | undefined {
  let best: Progress | undefined;
  for (const member of state.voters) {
    if (member.id === state.id || !member.alive || state.linksDown.has(member.id)) continue;
    if (state.log.termAt(member.match) < 0) continue;
    if (best === undefined || member.match > best.match) best = member;
  }
  return best;
}
