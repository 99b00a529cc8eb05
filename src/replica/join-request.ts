// Owns: asking a node at an address whether it would join this cluster, and who it is. One
// question: it is dialed until it answers for good or the time is up. A node that first has to
// leave its own empty cluster of one answers `again`. Changes nothing here.

import { Dialer } from '../peer/dialer.js';
import type { MemberIdentity } from '../peer/handshake.js';
import type { MemberAddress } from '../peer/links.js';
import type { Clock } from '../platform/clock.js';
import type { Net } from '../platform/net.js';

/** A node has this long to answer, and to leave its own cluster of one. */
const PATIENCE_MS = 10_000;
/** Without any answer from the address it is given up sooner. */
const SILENCE_MS = 4000;

export interface JoinRequest {
  readonly to: MemberAddress;
  /** What this node says of itself, with the newcomer among the members. */
  readonly self: () => MemberIdentity;
  readonly net: Net;
  readonly clock: Clock;
}

/** Who answered, or why nobody did. Never rejects. */
export function askToJoin({ to, self, net, clock }: JoinRequest): Promise<MemberIdentity | string> {
  return new Promise((resolve) => {
    let refused = '';
    const where = `${to.host}:${to.port}`;
    const end = (answer: MemberIdentity | string): void => {
      silence.cancel();
      patience.cancel();
      dialer.close();
      resolve(answer);
    };
    const silence = clock.after(SILENCE_MS, () => {
      if (refused !== '') return;
      end(
        `nothing answers at ${where}. Start ${to.id} there with -raft=true and that ` +
          '-raft-addr, and without peers',
      );
    });
    const patience = clock.after(PATIENCE_MS, () => end(refused));
    const dialer = new Dialer({
      target: { nodeId: to.id, host: to.host, port: to.port },
      kind: 'join',
      self,
      net,
      clock,
      events: {
        onUp: (member) => end(member),
        onDown: () => {},
        onRefused: ({ reason, code }) => {
          refused = reason;
          if (code !== 'again') end(reason);
        },
        onFault: (reason) => end(reason),
        onFrame: () => {},
      },
    });
  });
}
