// Owns: CLIENT KILL, the form with an address and the form with filters.

import { integer } from '../../commands/arguments.js';
import { SYNTAX } from '../../commands/errors.js';
import { ErrorReply, OK, type Reply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import { clientTypeOf, isOfType } from '../client-text.js';
import type { Server } from '../server.js';
import { refusal } from './row.js';

type Test = (client: Client) => boolean;

interface Filter {
  readonly tests: Test[];
  skipMe: boolean;
}

/** The one user there is until ACL users exist. */
const DEFAULT_USER = 'default';

/** Reads the value of one option into the filter; each throws the error Redis answers. */
const OPTIONS: Readonly<Record<string, (value: string, filter: Filter, now: number) => void>> = {
  id(value, { tests }) {
    const invalid = refusal('client-id should be greater than 0');
    const id = integer(value, invalid);
    if (id < 1) throw invalid;
    tests.push((client) => client.id === id);
  },
  type(value, { tests }) {
    const type = clientTypeOf(value);
    if (type === undefined) throw refusal(`Unknown client type '${value}'`);
    tests.push((client) => isOfType(client, type));
  },
  addr(value, { tests }) {
    tests.push((client) => client.remote === value);
  },
  laddr(value, { tests }) {
    tests.push((client) => client.local === value);
  },
  user(value, { tests }) {
    if (value !== DEFAULT_USER) throw refusal(`No such user '${value}'`);
    tests.push((client) => client.user === value);
  },
  maxage(value, { tests }, now) {
    const invalid = refusal('maxage is not an integer or out of range');
    const seconds = integer(value, invalid);
    if (seconds < 1) throw invalid;
    tests.push((client) => now - client.connectedAt >= seconds * 1000);
  },
  skipme(value, filter) {
    const word = value.toLowerCase();
    if (word !== 'yes' && word !== 'no') throw SYNTAX;
    filter.skipMe = word === 'yes';
  },
};

function readFilter(args: readonly string[], now: number): Filter {
  const filter: Filter = { tests: [], skipMe: true };
  for (let i = 2; i < args.length; i += 2) {
    const name = args[i]!.toLowerCase();
    const value = args[i + 1];
    if (value === undefined || !Object.hasOwn(OPTIONS, name)) throw SYNTAX;
    OPTIONS[name]!(value, filter, now);
  }
  return filter;
}

export function clientKill(client: Client, args: readonly string[], server: Server): Reply {
  const byAddress = args.length === 3;
  let filter: Filter;
  try {
    filter = byAddress
      ? { tests: [(one) => one.remote === args[2]], skipMe: false }
      : readFilter(args, server.clock.now());
  } catch (error) {
    if (error instanceof ErrorReply) return error;
    throw error;
  }
  const doomed = [...server.clients.values()].filter(
    (one) => filter.tests.every((test) => test(one)) && !(filter.skipMe && one === client),
  );
  for (const one of doomed) {
    if (one === client) one.closesAfterReply = true;
    else one.close('now');
  }
  if (!byAddress) return doomed.length;
  return doomed.length === 0 ? refusal('No such client') : OK;
}
