// Owns: the simulated disk of one host: files as inodes with what is synced and what is not, names
// in directories the same, and what a crash leaves of both. Every failure it can be told to make is
// one a real disk makes: a sync that fails and loses what it should have kept, a full device, a
// read error, a stall, rot. The files outlive the processes; a view (`of`) ends with its process.

import { OperationalError } from '../../../src/base/errors.js';
import type { Rng } from '../../../src/base/rng.js';
import type { Disk, DiskFile } from '../../../src/platform/disk.js';
import { DiskFault } from '../../../src/platform/disk-fault.js';
import type { Actor, Events } from './events.js';
import { type CrashStyle, Inode } from './inode.js';

export interface DiskOptions {
  /** Microseconds of a sync, at least and at most. */
  readonly syncMin: number;
  readonly syncMax: number;
  /** Microseconds of any other operation at most. */
  readonly otherMax: number;
  readonly crash: CrashStyle;
  /** Names lost in a crash: any of the unsynced ones, or only the last ones of each directory. */
  readonly namesInOrder: boolean;
}

type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly inode: Inode }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string };

/** What goes wrong now. */
export interface DiskTroubles {
  /** The next syncs fail, this many. */
  failSyncs: number;
  failReads: number;
  /** Bytes the device still takes; Infinity when it is not full. */
  room: number;
  /** Microseconds of simulated time until which nothing completes. */
  stalledUntil: number;
  /** Operations until the process dies in the middle of one; Infinity for never. */
  operationsToLive: number;
}

export class SimDisk {
  readonly events: Events;
  readonly options: DiskOptions;
  readonly rng: Rng;
  calm = false;
  /** Operations that were made to fail so far. */
  faults = 0;
  readonly troubles: DiskTroubles = noTroubles();
  /** Called when operationsToLive has run out: the process dies now. */
  onDirectory: (path: string) => void = () => {};
  onLastOperation: () => void = () => {};
  /** A file's newest bytes are durable from `from` on. */
  onSynced: (path: string, inode: Inode, from: number) => void = () => {};
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #changes: NameChange[] = [];
  #directories = new Set<string>();
  readonly #locks = new Map<string, { readonly actor: Actor }>();

  constructor(events: Events, options: DiskOptions, rng: Rng) {
    this.events = events;
    this.options = options;
    this.rng = rng;
  }

  of(actor: Actor): Disk {
    return new DiskView(this, actor);
  }

  /** Resolves when an operation's time has passed; never for a process that died meanwhile. */
  step(actor: Actor, operation: string): Promise<void> {
    return new Promise((resolve) => this.later(actor, operation, resolve));
  }

  /** Calls `run` when the operation's time has passed, while the process lives. */
  later(actor: Actor, operation: string, run: () => void): void {
    const { troubles, options, events, rng } = this;
    let wait =
      operation === 'sync'
        ? options.syncMin + rng.below(options.syncMax - options.syncMin + 1)
        : rng.below(options.otherMax + 1);
    if (troubles.stalledUntil > events.now) wait += troubles.stalledUntil - events.now;
    events.schedule(wait, actor, () => {
      if (--troubles.operationsToLive > 0) {
        run();
        return;
      }
      troubles.operationsToLive = Number.POSITIVE_INFINITY;
      const happened = rng.below(2) === 0;
      this.onLastOperation();
      // It happened, but whoever asked for it is not there any more.
      if (happened) run();
    });
  }

  /** The host lost power: what was not synced is at the mercy of the crash style. */
  loseUnsynced(): void {
    const changes = this.#changes;
    this.#changes = [];
    const kept = this.options.namesInOrder ? this.rng.below(changes.length + 1) : -1;
    changes.forEach((change, i) => {
      if (kept < 0 ? this.rng.below(2) === 0 : i < kept) applyTo(this.#durableNames, change);
    });
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) inode.crash(this.options.crash, this.rng);
  }

  wipe(): void {
    this.#names.clear();
    this.#durableNames.clear();
    this.#changes = [];
    this.#directories.clear();
  }

  /** These files are gone, as if somebody had removed them. */
  lose(isLost: (path: string) => boolean): void {
    for (const names of [this.#names, this.#durableNames]) {
      for (const path of [...names.keys()]) if (isLost(path)) names.delete(path);
    }
  }

  /** Paths of files, sorted. */
  files(): string[] {
    return [...this.#names.keys()].sort();
  }

  inode(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  // What a view does to the files.

  lookUp(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  link(path: string, inode: Inode): void {
    this.#change({ kind: 'link', path, inode });
  }

  rename(from: string, to: string): void {
    this.#change({ kind: 'rename', from, to });
  }

  unlink(path: string): void {
    if (this.#names.has(path)) this.#change({ kind: 'unlink', path });
  }

  list(directory: string): string[] {
    const prefix = `${directory}/`;
    const found = new Set<string>();
    for (const path of [...this.#names.keys(), ...this.#directories]) {
      if (path.startsWith(prefix)) found.add(path.slice(prefix.length).split('/')[0]!);
    }
    return [...found].sort();
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  makeDirectory(path: string): void {
    this.onDirectory(path);
    const parts = path.split('/');
    for (let i = 2; i <= parts.length; i++) this.#directories.add(parts.slice(0, i).join('/'));
  }

  syncDirectory(directory: string): void {
    const rest: NameChange[] = [];
    for (const change of this.#changes) {
      const path = change.kind === 'rename' ? change.to : change.path;
      if (path.slice(0, path.lastIndexOf('/')) === directory) applyTo(this.#durableNames, change);
      else rest.push(change);
    }
    this.#changes = rest;
  }

  /** Returns what gives it back; a second time that does nothing. */
  lock(path: string, actor: Actor): () => void {
    const holder = this.#locks.get(path);
    if (holder?.actor.alive) {
      throw new OperationalError('E_LOCKED', `${path} is held by process ${holder.actor.number}`);
    }
    const held = { actor };
    this.#locks.set(path, held);
    return () => {
      if (this.#locks.get(path) === held) this.#locks.delete(path);
    };
  }

  #change(change: NameChange): void {
    this.#changes.push(change);
    applyTo(this.#names, change);
  }
}

export function noTroubles(): DiskTroubles {
  return {
    failSyncs: 0,
    failReads: 0,
    room: Number.POSITIVE_INFINITY,
    stalledUntil: 0,
    operationsToLive: Number.POSITIVE_INFINITY,
  };
}

function applyTo(names: Map<string, Inode>, change: NameChange): void {
  if (change.kind === 'link') names.set(change.path, change.inode);
  else if (change.kind === 'unlink') names.delete(change.path);
  else {
    const inode = names.get(change.from);
    if (inode === undefined) return;
    names.delete(change.from);
    names.set(change.to, inode);
  }
}

/** The disk as one process sees it. */
class DiskView implements Disk {
  readonly #disk: SimDisk;
  readonly #actor: Actor;

  constructor(disk: SimDisk, actor: Actor) {
    this.#disk = disk;
    this.#actor = actor;
  }

  async open(path: string, { create }: { create: boolean }): Promise<DiskFile> {
    await this.step('open');
    let inode = this.#disk.lookUp(path);
    if (inode === undefined) {
      if (!create) throw fault('open', path, 'ENOENT');
      inode = new Inode();
      this.#disk.link(path, inode);
    }
    return new FileView(this, this.#disk, path, inode);
  }

  async readFile(path: string): Promise<Buffer> {
    await this.step('read');
    const inode = this.#disk.lookUp(path);
    if (inode === undefined) throw fault('read', path, 'ENOENT');
    this.failRead('read', path);
    return inode.read(0, inode.size);
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const directory = path.slice(0, path.lastIndexOf('/'));
    const temporary = `${directory}/temp-${path.slice(directory.length + 1)}`;
    await this.step('open');
    const inode = new Inode();
    this.#disk.link(temporary, inode);
    await this.step('write');
    this.takeRoom('replace', path, bytes.length);
    inode.append([bytes]);
    await this.step('sync');
    this.failSync('replace', path, inode);
    inode.sync();
    await this.step('rename');
    this.#disk.rename(temporary, path);
    await this.step('sync');
    this.#disk.syncDirectory(directory);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step('rename');
    if (this.#disk.lookUp(from) === undefined) throw fault('rename', from, 'ENOENT');
    this.#disk.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.step('remove');
    this.#disk.unlink(path);
  }

  async list(directory: string): Promise<string[]> {
    await this.step('list');
    if (!this.#disk.isDirectory(directory)) throw fault('list', directory, 'ENOENT');
    return this.#disk.list(directory);
  }

  async exists(path: string): Promise<boolean> {
    await this.step('stat');
    return this.#disk.lookUp(path) !== undefined || this.#disk.isDirectory(path);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.step('mkdir');
    this.#disk.makeDirectory(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.step('sync');
    if (!this.#disk.isDirectory(path)) throw fault('sync', path, 'ENOENT');
    this.#disk.syncDirectory(path);
  }

  async freeBytes(_directory: string): Promise<number> {
    await this.step('stat');
    return this.#disk.troubles.room;
  }

  async lock(path: string): Promise<{ release(): Promise<void> }> {
    await this.step('lock');
    const release = this.#disk.lock(path, this.#actor);
    return { release: async () => release() };
  }

  step(operation: string): Promise<void> {
    return this.#disk.step(this.#actor, operation);
  }

  later(operation: string, run: () => void): void {
    this.#disk.later(this.#actor, operation, run);
  }

  /** What a process still does in the event that ended it does not happen. */
  get alive(): boolean {
    return this.#actor.alive;
  }

  failRead(operation: string, path: string): void {
    if (this.#disk.troubles.failReads <= 0) return;
    this.#disk.troubles.failReads--;
    this.#disk.faults++;
    throw fault(operation, path, 'EIO');
  }

  failSync(operation: string, path: string, inode: Inode): void {
    if (this.#disk.troubles.failSyncs <= 0) return;
    this.#disk.troubles.failSyncs--;
    this.#disk.faults++;
    // The kernel marks the pages clean; what they held is gone (ATC 2020, Rebello).
    inode.crash('drop', this.#disk.rng);
    throw fault(operation, path, 'EIO');
  }

  /** Throws ENOSPC when the device is full; some of the bytes may have gone in. */
  takeRoom(operation: string, path: string, bytes: number): void {
    const { troubles } = this.#disk;
    if (troubles.room < bytes) {
      this.#disk.faults++;
      throw fault(operation, path, 'ENOSPC');
    }
    troubles.room -= bytes;
  }
}

class FileView implements DiskFile {
  readonly #view: DiskView;
  readonly #disk: SimDisk;
  readonly #path: string;
  readonly #inode: Inode;
  #busy = false;

  constructor(view: DiskView, disk: SimDisk, path: string, inode: Inode) {
    this.#view = view;
    this.#disk = disk;
    this.#path = path;
    this.#inode = inode;
  }

  get size(): number {
    return this.#inode.size;
  }

  append(buffers: readonly Uint8Array[], done: (error: Error | null) => void): void {
    if (!this.#view.alive) return;
    this.#begin('append');
    let bytes = 0;
    for (const buffer of buffers) bytes += buffer.length;
    const { troubles, rng } = this.#disk;
    // As in the real one: small appends only fill the page cache, in the calling thread.
    if (bytes < 4096 && troubles.room > bytes && troubles.stalledUntil <= this.#disk.events.now) {
      troubles.room -= bytes;
      this.#inode.append(buffers);
      this.#busy = false;
      done(null);
      return;
    }
    this.#view.later('write', () => {
      this.#busy = false;
      if (troubles.room < bytes) {
        const part = Buffer.concat(buffers).subarray(
          0,
          rng.below(Math.min(troubles.room, bytes) + 1),
        );
        this.#inode.append([part]);
        troubles.room = 0;
        this.#disk.faults++;
        done(fault('write', this.#path, 'ENOSPC'));
        return;
      }
      troubles.room -= bytes;
      this.#inode.append(buffers);
      done(null);
    });
  }

  sync(done: (error: Error | null) => void): void {
    this.#begin('sync');
    this.#view.later('sync', () => {
      this.#busy = false;
      try {
        this.#view.failSync('fdatasync', this.#path, this.#inode);
      } catch (error) {
        done(error as Error);
        return;
      }
      const from = this.#inode.syncedSize;
      this.#inode.sync();
      this.#disk.onSynced(this.#path, this.#inode, from);
      done(null);
    });
  }

  async read(position: number, length: number, room?: Buffer): Promise<Buffer> {
    await this.#view.step('read');
    this.#view.failRead('read', this.#path);
    const bytes = this.#inode.read(position, length);
    return room === undefined ? bytes : room.subarray(0, bytes.copy(room));
  }

  async truncate(length: number): Promise<void> {
    await this.#view.step('truncate');
    this.#inode.truncate(length);
  }

  async close(): Promise<void> {
    await this.#view.step('close');
  }

  #begin(operation: string): void {
    if (this.#busy) throw new Error(`${operation} of ${this.#path} while another is under way`);
    this.#busy = true;
  }
}

function fault(operation: string, path: string, errno: string): DiskFault {
  const cause: NodeJS.ErrnoException = new Error(`simulated ${errno}`);
  cause.code = errno;
  return new DiskFault(operation, path, cause);
}
