// Owns: reading the stable store as format version 1 left it: one LevelDB key per fact, no seal.
// Its first open by this version writes both copies anew; nothing else knows the old keys.

import type { KeyValue } from '../platform/key-value.js';
import { NO_STATE, type SealedState } from './stable-state.js';

/** Null when it cannot be read. */
export async function readVersionOne(level: KeyValue): Promise<SealedState | null> {
  const hardState = parsed(await level.get('hard-state')) ?? NO_STATE.hardState;
  const identity = parsed(await level.get('identity'));
  const incarnation = Number((await level.get('incarnation')) ?? '0');
  const membership = (await level.get('membership')) ?? null;
  const { term, vote } = hardState as Record<string, unknown>;
  if (typeof term !== 'number' || !isCount(term) || typeof vote !== 'string') return null;
  if (!isCount(incarnation)) return null;
  const state = { ...NO_STATE, hardState: { term, vote }, incarnation, membership };
  if (identity === null) return { counter: 0, state };
  const { clusterId, nodeId, uuid } = identity;
  if (typeof clusterId !== 'string' || typeof nodeId !== 'string' || typeof uuid !== 'string') {
    return null;
  }
  return { counter: 0, state: { ...state, identity: { clusterId, nodeId, uuid } } };
}

/** An empty object, which no check accepts, for what is not one. */
function parsed(text: string | undefined): Record<string, unknown> | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
