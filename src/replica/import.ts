// Owns: starting on a data directory of a plain Redis or Valkey server (architecture D6): its files
// become the keyspace, the keyspace becomes the first snapshot (index 1, term 1), and from then on
// the directory is ours. Only for a group of one: other members would have to agree on data that no
// log entry holds. Nothing on disk changes before everything was read; a command that cannot be
// carried out stops the import.

import { OperationalError } from '../base/errors.js';
import { DATABASE_COUNT, type Keyspace } from '../keyspace/keyspace.js';
import { ExecutionContext, execute, findCommand } from '../machine/executor.js';
import { Machine } from '../machine/machine.js';
import type { Logger } from '../observe/logger.js';
import type { Clock } from '../platform/clock.js';
import { membershipOf } from '../raft/membership.js';
import { ErrorReply } from '../resp/reply.js';
import type { CommandSink } from '../storage/aof-reader.js';
import {
  Adoption,
  findForeignData,
  finishAdoption,
  importForeignData,
} from '../storage/foreign-data.js';
import type { LogStoreOptions } from '../storage/log-store.js';
import { SnapshotWriter } from '../storage/rdb/snapshot-writer.js';
import type { StableStore } from '../storage/stable-store.js';
import { auxOf } from './snapshot-aux.js';

export interface ImportOptions {
  readonly nodeId: string;
  /** Whether this node is the only member. */
  readonly alone: boolean;
  /** Of the cluster of one that begins here. */
  readonly clusterId: string;
  readonly store: LogStoreOptions;
  readonly stable: StableStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

const POSITION = { index: 1, term: 1 };
const KEYS_PER_STEP = 1024;
const SEED = 1;

/**
 * Takes over what a plain server left in the directory, if it did. Rejects with an
 * OperationalError.
 */
export async function importPlainDirectory(options: ImportOptions): Promise<void> {
  const { disk, directory } = options.store;
  await disk.makeDirectory(directory);
  const lock = await disk.lock(`${directory}/helios.lock`);
  try {
    await finishAdoption(disk, directory);
    const data = await findForeignData(disk, directory, options.store.used ?? false);
    if (data === null) return;
    if (!options.alone) throw severalMembers(directory, data.description);
    const begun = options.clock.monotonic();
    const machine = new Machine({ node: options.nodeId, incarnation: 0 });
    machine.keyspace.beginEntry(POSITION.index);
    const { keyspace } = machine;
    const report = await importForeignData(disk, data, keyspace, commandsInto(keyspace));
    const time = options.clock.now();
    keyspace.reclaimDead(time, Number.MAX_SAFE_INTEGER);
    await adopt(options, machine, time);
    const ms = Math.round(options.clock.monotonic() - begun);
    options.logger.info('Data of a plain server taken over', {
      from: data.description,
      keys: keyspace.size,
      commands: report.commands,
      cutBytes: report.cutBytes,
      ms,
    });
  } finally {
    await lock.release();
  }
}

/**
 * Runs the commands of an append-only file. At time 0, so that nothing expires between them: Redis
 * logs its expirations as DEL, and a command on a key that is dead by now found it alive when it
 * was logged.
 */
function commandsInto(keyspace: Keyspace): CommandSink {
  const context = new ExecutionContext(keyspace);
  return (args, db) => {
    if (!(db >= 0 && db < DATABASE_COUNT)) throw cannot(args, `database ${db} does not exist here`);
    const command = findCommand(args);
    if (command === null) throw cannot(args, 'the command is not known here');
    context.begin(0, 0, SEED, db);
    let bug: unknown = null;
    const reply = execute(command, context, args, (_name, error) => {
      bug = error;
    });
    if (reply instanceof ErrorReply) throw cannot(args, String(bug ?? reply.text));
  };
}

/**
 * Writes the keyspace as the first snapshot of a log of our own and puts it in place of the old
 * files.
 */
async function adopt(options: ImportOptions, machine: Machine, time: number): Promise<void> {
  const adoption = await Adoption.begin(options.store);
  const { nodeId: id, clusterId } = options;
  const self = { id, uuid: options.store.owner, address: '', promote: true };
  const membership = membershipOf([id], [], { clusterId, members: [self], removed: [] });
  const state = { ...machine.dumpState(), ...POSITION, time };
  const writer = new SnapshotWriter(machine.keyspace, auxOf({ ...POSITION, membership }, state));
  for (let done = false; !done; ) {
    done = writer.step(KEYS_PER_STEP);
    await adoption.sink.write(writer.drain());
    writer.reuse();
  }
  await adoption.sink.finish();
  const { hardState } = await options.stable.load();
  const { term, vote } = hardState;
  await options.stable.saveHardState(Math.max(term, POSITION.term), term > 0 ? vote : '');
  await adoption.commit(POSITION);
}

function severalMembers(directory: string, description: string): OperationalError {
  return new OperationalError(
    'E_FOREIGN_DATA',
    `${directory} holds data of a plain Redis or Valkey server (${description}), which only a ` +
      'node without other members can take over: start it with -raft=false and no peers, or give ' +
      'this member an ' +
      'empty directory and copy the data in as a client.',
  );
}

function cannot(args: readonly string[], why: string): OperationalError {
  const name = args[0]!.slice(0, 40).replace(/[^\x20-\x7e]/g, '?');
  return new OperationalError(
    'E_IMPORT',
    `the append-only file has ${name}, which cannot be carried out: ${why}. Nothing was changed. ` +
      'To leave such keys out, delete them with the server that wrote the file, and let it ' +
      'rewrite the file.',
  );
}
