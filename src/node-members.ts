// Owns: what a node makes of the peers it was started with when its log knows the members: the log
// decides, also when all that are named have left. Only who never shared its data with anybody is
// refused peers: they could only be another group.

import { OperationalError } from './base/errors.js';
import type { Config } from './config/load.js';
import type { Logger } from './observe/logger.js';
import type { MemberAddress } from './peer/links.js';
import { allMembers } from './raft/membership.js';
import { newestMembership, type OpenedMember } from './replica/boot.js';

/** Throws E_MEMBERS when with the log and the peers there would be two leaders. */
export function compareMembers(
  configured: readonly MemberAddress[],
  opened: OpenedMember,
  config: Config,
  logger: Logger,
): void {
  const newest = newestMembership(opened.entries, opened.snapshot);
  const logged = newest === null ? null : allMembers(newest);
  const self = config.raftNodeId;
  const others = configured.map(({ id }) => id).filter((id) => id !== self);
  if (logged === null || logged.length === 0 || others.length === 0) return;
  // Those that are or were in a roster with this node cannot begin a second cluster with it.
  const { clusterId, removed } = newest!.roster;
  const ownRoster = clusterId !== '' && (removed.length > 0 || logged.some((id) => id !== self));
  if (!ownRoster && others.every((id) => !logged.includes(id))) {
    throw new OperationalError(
      'E_MEMBERS',
      `the log in ${config.dataDir} belongs to a cluster of ${logged.join(', ')}, and the peers ` +
        `name ${others.join(', ')}: with both there would be two leaders. Start it without peers ` +
        'and add them with RAFT.ADDPEER (helios-cli addpeer), or start it with an empty directory.',
    );
  }
  const differ = others.filter((id) => !logged.includes(id));
  const missing = logged.filter((id) => id !== self && !others.includes(id));
  if (differ.length + missing.length === 0) return;
  logger.warn('The peers named differ from the members in the log; the log counts', {
    named: others.join(','),
    members: logged.join(','),
  });
}
