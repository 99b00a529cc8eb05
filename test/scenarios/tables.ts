// Owns: table files: many small questions to the pure parts of the core (quorums, steps between
// memberships), each with its answer. Same format as scenarios; a line is a question.

import {
  isJoint,
  leaveJoint,
  membershipOf,
  sameMembership,
  stepTowards,
} from '../../src/raft/membership.js';
import { jointIndex, jointVote, majority } from '../../src/raft/quorum.js';
import type { Membership } from '../../src/raft/types.js';
import { membershipText } from './describe.js';
import { parseScenario } from './format.js';
import type { Outcome } from './runner.js';

/** What a table file remembers from line to line: the membership in force. */
interface Table {
  membership: Membership;
}

type Question = (table: Table, words: readonly string[]) => string;

const QUESTIONS: Readonly<Record<string, Question>> = {
  /** commit 3 5 - | 4 4: entries each voter has; of a half with no number, nobody. */
  commit: (_table, words) => {
    const [incoming, outgoing] = halves(words).map((half) =>
      half.map((word) => (word === '-' ? 0 : Number(word))),
    );
    const index = jointIndex(incoming!, outgoing!);
    return Number.isFinite(index) ? String(index) : 'no limit';
  },
  /** vote y n ? | y y: what each voter said; ? for nothing yet. */
  vote: (_table, words) => {
    const votes = new Map<string, boolean>();
    const [incoming, outgoing] = halves(words).map((half, at) =>
      half.map((word, place) => {
        // Letters are other voters in each half; x1=y names one that is in both.
        const [id, said] = word.includes('=') ? word.split('=') : [`${at}.${place}`, word];
        if (said !== '?') votes.set(id!, said === 'y');
        return id!;
      }),
    );
    return jointVote(incoming!, outgoing!, votes);
  },
  /** start a b c + d: the membership in force. */
  start: (table, words) => answer(table, target(words)),
  /** to a b d: the next step towards these voters (+ learners); becomes the one in force. */
  to: (table, words) => {
    if (isJoint(table.membership)) return 'refused: another change is in progress';
    const wanted = target(words);
    if (wanted.voters.length === 0) return 'refused: no voters would remain';
    if (sameMembership(table.membership, wanted)) return 'refused: nothing to change';
    return answer(table, stepTowards(table.membership, wanted));
  },
  /** leave: the joint membership is committed. */
  leave: (table) => {
    if (!isJoint(table.membership)) return 'not joint';
    return answer(table, leaveJoint(table.membership));
  },
};

export function runTable(file: string, text: string): Outcome {
  const scenario = parseScenario(file, text);
  const table: Table = { membership: membershipOf([], []) };
  const errors: string[] = [];
  const traces = scenario.blocks.map(({ commands }) =>
    commands.map(({ text: command, line }) => {
      const [name = '', ...words] = command.split(/\s+/);
      const question = QUESTIONS[name];
      if (question !== undefined) return question(table, words);
      errors.push(`${file}:${line}: there is no question ${name}`);
      return 'ERROR';
    }),
  );
  return { scenario, traces, errors };
}

/** Takes a step, and proves that no two quorums of before and after can miss each other. */
function answer(table: Table, next: Membership): string {
  const apart = table.membership.voters.length > 0 && canDisagree(table.membership, next);
  table.membership = next;
  return `${membershipText(next)}${apart ? ' NOT SAFE' : ''}`;
}

/** Is there a quorum of `a` and one of `b` without a common member? Tries all sets of voters. */
function canDisagree(a: Membership, b: Membership): boolean {
  const halvesOf = (m: Membership) => [m.voters, m.outgoing].filter((half) => half.length > 0);
  const everyone = [...new Set([...halvesOf(a), ...halvesOf(b)].flat())];
  for (let set = 0; set < 2 ** everyone.length; set++) {
    const inSet = (id: string): boolean => (set & (1 << everyone.indexOf(id))) !== 0;
    const isQuorum = (m: Membership, side: boolean): boolean =>
      halvesOf(m).every(
        (half) => half.filter((id) => inSet(id) === side).length >= majority(half.length),
      );
    if (isQuorum(a, true) && isQuorum(b, false)) return true;
  }
  return false;
}

function target(words: readonly string[]): Membership {
  const plus = words.indexOf('+');
  const voters = plus < 0 ? words : words.slice(0, plus);
  return membershipOf(voters, plus < 0 ? [] : words.slice(plus + 1));
}

function halves(words: readonly string[]): [string[], string[]] {
  const bar = words.indexOf('|');
  if (bar < 0) return [[...words], []];
  return [words.slice(0, bar), words.slice(bar + 1)];
}
