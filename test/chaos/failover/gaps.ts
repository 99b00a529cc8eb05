// Owns: what a failover cost, from the times of acknowledged writes: the longest time without one.

/** Longest interval between neighbours among `times` (ascending, ms) that ends in [from, to]. */
export function longestGap(times: readonly number[], from: number, to: number): number {
  let longest = 0;
  for (let i = 1; i < times.length; i++) {
    const at = times[i]!;
    if (at >= from && at <= to) longest = Math.max(longest, at - times[i - 1]!);
  }
  return longest;
}

/** The smallest of `values` that at least the fraction `share` of them does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
