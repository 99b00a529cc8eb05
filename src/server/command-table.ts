// Owns: from the first words of a request to what the server knows about the command: one table
// over data commands and server commands, looked up on bytes. Flags are unpacked into booleans
// once, since dispatch asks them each time.

import { assert } from '../base/assert.js';
import type { CommandFlag, CommandInfo, DataCommand } from '../commands/spec.js';
import type { RequestDecoder } from '../resp/decoder.js';
import { NameTable } from '../resp/name-table.js';
import type { ServerCommand } from './command.js';
import type { newCommandStats } from './latency.js';

/** How dispatch treats a command. */
export type Route =
  | 'read'
  | 'write'
  | 'server'
  | 'select'
  | 'multi'
  | 'exec'
  | 'discard'
  | 'watch'
  /** QUIT and RESET: server commands that are not queued by MULTI. */
  | 'leave'
  /** HTTP request lines: somebody makes a browser talk to this port. */
  | 'cross-protocol'
  /** A parent that is not a command without one of its subcommands. */
  | 'parent';

const ROUTES: Readonly<Record<string, Route>> = {
  select: 'select',
  multi: 'multi',
  exec: 'exec',
  discard: 'discard',
  watch: 'watch',
  quit: 'leave',
  reset: 'leave',
};

const WHILE_SUBSCRIBED: ReadonlySet<string> = new Set([
  'ping',
  'subscribe',
  'ssubscribe',
  'psubscribe',
  'unsubscribe',
  'sunsubscribe',
  'punsubscribe',
  'quit',
  'reset',
]);

export class CommandEntry {
  readonly name: string;
  readonly arity: number;
  readonly route: Route;
  readonly data: DataCommand | null;
  readonly server: ServerCommand | null;
  readonly immediate: boolean;
  readonly noAuth: boolean;
  readonly noMulti: boolean;
  readonly denyOom: boolean;
  /** Refused while the disk is full: what denyoom says, and scripts, of which nobody can tell. */
  readonly needsRoom: boolean;
  /** Held by CLIENT PAUSE WRITE. */
  readonly mayWrite: boolean;
  readonly fast: boolean;
  readonly skipSlowlog: boolean;
  readonly skipMonitor: boolean;
  readonly whileSubscribed: boolean;
  readonly children: NameTable<CommandEntry> | null;
  /** Made at the first call, so that INFO lists what was used. */
  stats: ReturnType<typeof newCommandStats> | null = null;

  constructor(
    name: string,
    command: CommandInfo | null,
    route: Route,
    children: NameTable<CommandEntry> | null,
  ) {
    const has = (flag: CommandFlag): boolean => command?.flags.includes(flag) ?? false;
    this.name = name;
    this.arity = command?.arity ?? -2;
    this.route = route;
    this.data = route === 'read' || route === 'write' ? (command as DataCommand) : null;
    this.server = this.data === null ? (command as ServerCommand | null) : null;
    this.immediate = this.server?.immediate === true;
    this.noAuth = has('no_auth');
    this.noMulti = has('no_multi');
    this.denyOom = has('denyoom');
    this.needsRoom = this.denyOom || (route === 'write' && this.data?.group === 'scripting');
    this.mayWrite = route === 'write' || has('write');
    this.fast = has('fast');
    this.skipSlowlog = has('skip_slowlog');
    this.skipMonitor = has('skip_monitor') || has('admin');
    this.whileSubscribed = WHILE_SUBSCRIBED.has(name);
    this.children = children;
  }

  accepts(count: number): boolean {
    return this.arity >= 0 ? count === this.arity : count >= -this.arity;
  }
}

/** Of the commands about scripts, those that change nothing and have no flag to say so. */
const SCRIPT_READS: ReadonlySet<string> = new Set(['script|exists', 'script|kill', 'script|help']);

/** A script may write unless it is a `_RO` form; its row says neither. */
function routeOfData(command: DataCommand): Route {
  if (SCRIPT_READS.has(command.name)) return 'read';
  if (command.flags.includes('readonly')) return 'read';
  return command.flags.includes('write') || command.group === 'scripting' ? 'write' : 'read';
}

type Row = readonly [command: CommandInfo, route: Route];

export class CommandTable {
  readonly #table: NameTable<CommandEntry>;

  constructor(data: Iterable<DataCommand>, server: Iterable<ServerCommand>) {
    const rows = new Map<string, Row>();
    for (const command of data) rows.set(command.name, [command, routeOfData(command)]);
    for (const command of server) {
      assert(!rows.has(command.name), `command ${command.name} is defined once`);
      rows.set(command.name, [command, ROUTES[command.name] ?? 'server']);
    }
    this.#table = new NameTable([...topLevel(rows), ...crossProtocol()]);
  }

  /**
   * The row for the request just decoded; null when there is none, also for an unknown subcommand.
   */
  find(request: RequestDecoder): CommandEntry | null {
    const bytes = request.chunk;
    const entry = this.#table.find(bytes, request.argumentStart(0), request.argumentEnd(0));
    if (entry === null || entry.children === null || request.count === 1) return entry;
    return entry.children.find(bytes, request.argumentStart(1), request.argumentEnd(1));
  }

  /** Whether a first word has subcommands. */
  isParent(word: string): boolean {
    return (this.#table.findText(word)?.children ?? null) !== null;
  }
}

function topLevel(rows: ReadonlyMap<string, Row>): [string, CommandEntry][] {
  const families = new Map<string, [string, CommandEntry][]>();
  for (const [name, [command, route]] of rows) {
    const bar = name.indexOf('|');
    if (bar < 0) continue;
    const family = families.get(name.slice(0, bar)) ?? [];
    family.push([name.slice(bar + 1), new CommandEntry(name, command, route, null)]);
    families.set(name.slice(0, bar), family);
  }
  const names = new Set([...rows.keys()].filter((name) => !name.includes('|')));
  for (const parent of families.keys()) names.add(parent);
  return [...names].map((name) => {
    const [command, route] = rows.get(name) ?? [null, 'parent'];
    const family = families.get(name);
    const children = family === undefined ? null : new NameTable(family);
    return [name, new CommandEntry(name, command, route, children)];
  });
}

function crossProtocol(): [string, CommandEntry][] {
  return ['post', 'host:'].map((word) => [
    word,
    new CommandEntry(word, null, 'cross-protocol', null),
  ]);
}
