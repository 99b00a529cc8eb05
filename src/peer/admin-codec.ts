// Owns: administrative requests between members (adding and removing members, transfer): a node
// that is asked hands the words to the leader, which answers with what came of them.
//   adminRequest    JSON {id, words, again?}
//   adminResponse   JSON {id, outcome, text, moved?}
// `id` is the asker's own, another for each time it asks. Bounded, checked field by field, and with
// their CRC (sealed.ts).

import { FrameKind } from './frame.js';
import { openJson, sealedJson } from './sealed.js';

export interface AdminRequest {
  readonly id: number;
  readonly words: readonly string[];
  /** It was asked before, of a leader that may have done it: what is so already counts as done. */
  readonly again?: boolean;
}

/**
 * `refused`: not done and never will be, `text` says why and what to do. `unknown`: it may or may
 * not be done.
 */
export interface AdminOutcome {
  readonly outcome: 'done' | 'refused' | 'unknown';
  readonly text: string;
  /** Whoever answers does not lead (any more): the leader is to be asked. */
  readonly moved?: boolean;
}

export interface AdminResponse extends AdminOutcome {
  readonly id: number;
}

const WORDS_MAX = 8;
const WORD_LENGTH_MAX = 1024;
const OUTCOMES: readonly unknown[] = ['done', 'refused', 'unknown'];

export function encodeAdminRequest(request: AdminRequest): Buffer {
  return sealedJson(FrameKind.adminRequest, request);
}

export function encodeAdminResponse(response: AdminResponse): Buffer {
  return sealedJson(FrameKind.adminResponse, response);
}

export function decodeAdminRequest(body: Buffer): AdminRequest | string {
  const fields = openJson('administrative request', body);
  if (typeof fields === 'string') return fields;
  const { id, words, again } = fields;
  if (!isId(id) || !Array.isArray(words) || words.length > WORDS_MAX) {
    return 'malformed administrative request';
  }
  const sound = words.every((word) => typeof word === 'string' && word.length <= WORD_LENGTH_MAX);
  if (!sound) return 'malformed administrative request';
  return { id: id as number, words, again: again === true };
}

export function decodeAdminResponse(body: Buffer): AdminResponse | string {
  const fields = openJson('administrative response', body);
  if (typeof fields === 'string') return fields;
  const { id, outcome, text, moved } = fields;
  if (!isId(id) || !OUTCOMES.includes(outcome) || typeof text !== 'string') {
    return 'malformed administrative response';
  }
  return {
    id: id as number,
    outcome: outcome as AdminOutcome['outcome'],
    text,
    moved: moved === true,
  };
}

function isId(id: unknown): boolean {
  return Number.isSafeInteger(id) && (id as number) > 0;
}
