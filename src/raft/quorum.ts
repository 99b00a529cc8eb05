// Owns: what a quorum is: a majority, or in joint consensus a majority of both halves (thesis 4.3).
// Pure functions over plain arrays; who is in the arrays is the caller's business. An empty half
// restricts nothing.

/** `lost`: no answer still to come can win it. */
export type VoteResult = 'won' | 'lost' | 'pending';

export function majority(size: number): number {
  return (size >> 1) + 1;
}

/** The largest value that a majority has reached: Infinity for nobody. Sorts `values` in place. */
export function majorityIndex(values: number[]): number {
  const size = values.length;
  if (size === 0) return Number.POSITIVE_INFINITY;
  sortAscending(values);
  return values[size - majority(size)]!;
}

/** The largest value that a quorum of the joint group has reached. Sorts both arrays in place. */
export function jointIndex(incoming: number[], outgoing: number[]): number {
  return Math.min(majorityIndex(incoming), majorityIndex(outgoing));
}

export function majorityVote(
  voters: readonly string[],
  votes: ReadonlyMap<string, boolean>,
): VoteResult {
  const needed = majority(voters.length);
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  if (voters.length === 0 || granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}

export function jointVote(
  incoming: readonly string[],
  outgoing: readonly string[],
  votes: ReadonlyMap<string, boolean>,
): VoteResult {
  const first = majorityVote(incoming, votes);
  const second = majorityVote(outgoing, votes);
  if (first === second) return first;
  return first === 'lost' || second === 'lost' ? 'lost' : 'pending';
}

/** Insertion sort: groups are small and this allocates nothing. */
function sortAscending(values: number[]): void {
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    let at = i - 1;
    while (at >= 0 && values[at]! > value) {
      values[at + 1] = values[at]!;
      at--;
    }
    values[at + 1] = value;
  }
}
