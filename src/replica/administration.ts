// Owns: what an operator asks of the group (RAFT.*): at the leader it is carried out, at any other
// node handed to the leader (leader-requests.ts). A membership change is answered when it is
// committed. One runs at a time; the core refuses a second. What is asked again because its leader
// was lost is done once: it is looked at when no earlier change can come or go any more.

import type { LoggedRecord } from '../base/log-entry.js';
import type { Logger } from '../observe/logger.js';
import {
  type AdminOutcome,
  type AdminRequest,
  type AdminResponse,
  encodeAdminRequest,
  encodeAdminResponse,
} from '../peer/admin-codec.js';
import type { PeerLinks } from '../peer/links.js';
import type { Clock } from '../platform/clock.js';
import type { Net } from '../platform/net.js';
import type { RaftCore } from '../raft/core.js';
import { allMembers, isJoint } from '../raft/membership.js';
import { rosterMember } from '../raft/roster.js';
import type { MembershipRefusal } from '../raft/types.js';
import { parseAddress } from './bootstrap.js';
import { askToJoin } from './join-request.js';
import { done, LeaderRequests, refused, unknown } from './leader-requests.js';
import type { Members } from './members.js';
import {
  faultOf,
  goalOf,
  type Newcomer,
  type Plan,
  planAdd,
  planDemote,
  planPromote,
  planRemove,
  planReplace,
} from './membership-requests.js';
import { waitUntil } from './wait-until.js';

export interface AdministrationParts {
  readonly nodeId: string;
  readonly core: RaftCore<LoggedRecord>;
  readonly links: PeerLinks;
  readonly members: Members;
  readonly net: Net;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This node starts anew and belongs to nothing. */
  readonly reset: (reason: string) => void;
  /** Something was given to the core or the links: a turn is due. */
  readonly schedule: () => void;
}

/** The leader waits so long for a change to be committed. */
const COMMIT_MS = 15_000;
/** Who lost its office waits so long to hear what became of its change. */
const HEARSAY_MS = 1000;
/** Whoever is silent for so long is taken for away. */
const HEARING_MS = 1000;
/** Between the answer to RAFT.RESET and the reset. */
const RESET_DELAY_MS = 50;

type Operation = (self: Administration, args: readonly string[]) => Promise<AdminOutcome>;

/** By word; the number of arguments is checked by who takes the request from a client. */
const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['addpeer', (self, [id, address]) => self.add(id!, address!)],
  ['removepeer', (self, [id]) => self.change((m, facts) => planRemove(m, facts, id!))],
  ['promote', (self, [id]) => self.change((m, facts) => planPromote(m, facts, id!))],
  ['demote', (self, [id]) => self.change((m, facts) => planDemote(m, facts, id!))],
  ['replace', (self, [old, id, address]) => self.replace(old!, id!, address!)],
  ['transfer', (self, [id]) => self.transfer(id ?? null)],
  ['listpeers', async (self) => done(self.list())],
]);

const ARGUMENTS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  addpeer: [2, 2],
  removepeer: [1, 1],
  promote: [1, 1],
  demote: [1, 1],
  replace: [3, 3],
  transfer: [0, 1],
  listpeers: [0, 0],
};

const NOT_LEADER: AdminOutcome = {
  outcome: 'refused',
  text: 'the leader has just changed: ask again',
  moved: true,
};
const DEPOSED: AdminOutcome = {
  ...unknown('the leader lost its office before the change was committed'),
  moved: true,
};

/** What the core's refusals mean to who asked. */
const CORE_REFUSALS: Readonly<Record<Exclude<MembershipRefusal, 'not leader'>, string>> = {
  'leadership is being transferred': 'leadership is being transferred: ask again in a moment',
  'another change is in progress':
    'another membership change is in progress: ask again when RAFT.LISTPEERS shows that it is over',
  'leader has not committed in its term yet':
    'the leader is new and has not committed anything yet: ask again in a moment',
  'no voters would remain': 'no voters would remain',
  'nothing to change': 'that is how it is already',
};

export class Administration {
  readonly #parts: AdministrationParts;
  readonly #requests: LeaderRequests;

  constructor(parts: AdministrationParts) {
    this.#parts = parts;
    const { nodeId, clock, core, links, schedule } = parts;
    this.#requests = new LeaderRequests({
      nodeId,
      clock,
      leader: () => (core.role === 'leader' || links.isUp(core.leader) ? core.leader : ''),
      execute: (words, again) => this.#execute(words, again),
      send: (to, request) => {
        links.sendFrame(to, encodeAdminRequest(request));
        schedule();
      },
    });
  }

  /** Carries out a request of a client of this node, here or at the leader. Never rejects. */
  async run(words: readonly string[]): Promise<AdminOutcome> {
    if (words[0] === 'reset') return this.#reset(words[1] ?? '');
    return this.#requests.ask(words);
  }

  async onRequest(from: string, { id, words, again }: AdminRequest): Promise<void> {
    const { links, schedule } = this.#parts;
    const outcome = await this.#execute(words, again ?? false);
    links.sendFrame(from, encodeAdminResponse({ id, ...outcome }));
    schedule();
  }

  onResponse(response: AdminResponse): void {
    this.#requests.onResponse(response);
  }

  /** A connection with this node is gone. */
  linkDown(nodeId: string): void {
    this.#requests.linkDown(nodeId);
  }

  /** Regularly: follows the leader. */
  poll(): void {
    this.#requests.follow();
  }

  /** Only of a node that no other member counts on; it has to be named, so that no slip does it. */
  #reset(id: string): AdminOutcome {
    const { nodeId, clock, logger, reset } = this.#parts;
    if (id !== nodeId) return refused(`this node is ${nodeId}: to reset it, RAFT.RESET ${nodeId}`);
    const others = this.#countingOn();
    if (others.length > 0) {
      return refused(
        `${nodeId} is a member of a cluster with ${others.join(', ')}: RAFT.REMOVEPEER ${nodeId} first`,
      );
    }
    clock.after(RESET_DELAY_MS, () => {
      // It may have been taken in since, and have promised things.
      if (this.#countingOn().length === 0) reset('RAFT.RESET');
      else logger.warn('Reset given up: this node has become a member', { node: nodeId });
    });
    return done(`${nodeId} throws its data away and waits to be added to a cluster`);
  }

  /** Others that are in a cluster with this node, by what its log says, committed or not. */
  #countingOn(): string[] {
    const { core, members, nodeId } = this.#parts;
    const { membership } = core;
    const isIn = core.admission === 'admitted' || rosterMember(membership.roster, nodeId) !== null;
    if (!isIn || members.removed) return [];
    return allMembers(membership).filter((member) => member !== nodeId);
  }

  async #execute(words: readonly string[], again: boolean): Promise<AdminOutcome> {
    const { logger, core } = this.#parts;
    if (core.role !== 'leader') return NOT_LEADER;
    const [word = '', ...args] = words;
    const operation = OPERATIONS.get(word);
    const [least, most] = ARGUMENTS[word] ?? [0, 0];
    if (operation === undefined) return refused(`unknown request ${word.slice(0, 64)}`);
    if (args.length < least || args.length > most) return refused(`wrong arguments for ${word}`);
    const before = again ? await this.#soAlready(word, args) : null;
    const outcome = before ?? (await operation(this, args));
    if (word !== 'listpeers') logger.info('Administration', { words: words.join(' '), ...outcome });
    return outcome;
  }

  /** Null when it is still to be done. */
  async #soAlready(word: string, args: readonly string[]): Promise<AdminOutcome | null> {
    const goal = goalOf(word);
    if (goal === null) return null;
    const { core, clock } = this.#parts;
    await waitUntil(clock, COMMIT_MS, () => core.role !== 'leader' || core.membershipSettled);
    if (!core.membershipSettled) return DEPOSED;
    return goal(core.membership, args) ? done('OK') : null;
  }

  list(): string {
    return JSON.stringify(this.#parts.members.list());
  }

  async add(id: string, address: string): Promise<AdminOutcome> {
    const newcomer = await this.#meet(id, address);
    if (typeof newcomer === 'string') return refused(newcomer);
    const outcome = await this.change((membership) => planAdd(membership, newcomer));
    if (outcome.outcome !== 'done') return outcome;
    return done(`${id} is a learner now and becomes a voter by itself when it has caught up`);
  }

  async replace(old: string, id: string, address: string): Promise<AdminOutcome> {
    const newcomer = await this.#meet(id, address);
    if (typeof newcomer === 'string') return refused(newcomer);
    return this.change((membership, facts) => planReplace(membership, facts, old, newcomer));
  }

  /** Asks the node at the address who it is; what speaks against it at once is not asked for. */
  async #meet(id: string, address: string): Promise<Newcomer | string> {
    const { core, members, net, clock } = this.#parts;
    const to = parseAddress(id, address);
    if (to === null) return `${id} ${address}: expected an id and host:port`;
    const fault = faultOf(core.membership, { id, uuid: '', address });
    if (fault !== null) return fault;
    const answer = await askToJoin({ to, self: () => members.invitation(to), net, clock });
    if (typeof answer === 'string') return answer;
    // Where the operator says it is: what the node calls itself may be an address of its own side.
    return { id, uuid: answer.uuid, address };
  }

  async change(
    plan: (membership: RaftCore<LoggedRecord>['membership'], facts: Members['facts']) => Plan,
  ): Promise<AdminOutcome> {
    const { core, members, schedule, clock } = this.#parts;
    // A leader that is new has not heard everybody yet.
    await waitUntil(clock, HEARING_MS, () => members.allAlive());
    if (core.role !== 'leader') return NOT_LEADER;
    if (isJoint(core.membership)) return refused(CORE_REFUSALS['another change is in progress']);
    const planned = plan(core.membership, members.facts);
    if (typeof planned === 'string') return refused(planned);
    const { voters, learners, roster, what, member } = planned;
    const entry = core.proposeMembership(voters, learners, roster);
    if (entry === 'not leader') return NOT_LEADER;
    if (typeof entry === 'string') return refused(CORE_REFUSALS[entry]);
    this.#parts.logger.info(what, { member, index: entry.index });
    schedule();
    return this.#committed(entry.index, entry.term);
  }

  /** Waits for the end of a change that begins at (index, term), joint steps included. */
  async #committed(index: number, term: number): Promise<AdminOutcome> {
    const { core, clock } = this.#parts;
    const isOver = (): boolean => core.commitIndex >= index && !isJoint(core.committedMembership);
    const leads = (): boolean => core.role === 'leader' && core.term === term;
    await waitUntil(clock, COMMIT_MS, () => isOver() || !leads());
    if (!leads()) await waitUntil(clock, HEARSAY_MS, isOver);
    if (isOver()) {
      return core.isCommitted(index, term)
        ? done('OK')
        : refused('another leader undid the change');
    }
    return leads() ? unknown('the change was not committed in time') : DEPOSED;
  }

  async transfer(to: string | null): Promise<AdminOutcome> {
    const { core, clock, schedule, nodeId, members } = this.#parts;
    const fault = members.transferFault(to);
    if (fault !== null) return refused(fault);
    const { term } = core;
    if (!core.transferLeadership(to)) return refused('no voter that could lead can be reached');
    const target = core.status().transferee;
    schedule();
    await waitUntil(clock, COMMIT_MS, () => {
      return core.role !== 'leader' || core.status().transferee === '';
    });
    if (core.role === 'leader' && core.term === term) {
      return refused(`${target} did not take over within an election timeout; ${nodeId} leads on`);
    }
    return done('OK');
  }
}
