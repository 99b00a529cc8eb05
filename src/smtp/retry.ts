// Owns: when a message that could not be delivered is tried again.

/**
 * Ms until the next attempt after attempt number `attempt` (from 1), spread by +-10 %; null: give
 * up.
 */
export function retryDelayMs(
  scheduleMs: readonly number[],
  attempt: number,
  random: () => number,
): number | null {
  const base = scheduleMs[attempt - 1];
  if (base === undefined) return null;
  return Math.max(1, Math.round(base * (0.9 + 0.2 * random())));
}
