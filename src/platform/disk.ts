// Owns: files, as storage sees them. Real here; test/sim has one that loses, tears and damages what was not synced.
// Every failure is a DiskFault and is final: who gets one from write or sync must end the process (architecture D8).

export interface DiskFile {
  /** Bytes in the file, including those written and not yet synced. */
  readonly size: number;
  /** Appends the buffers in order. Only one append or sync may be under way. */
  append(buffers: readonly Uint8Array[], done: (error: Error | null) => void): void;
  /** fdatasync. */
  sync(done: (error: Error | null) => void): void;
  read(position: number, length: number): Promise<Buffer>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Opens for append and read, creating it when `create`. */
  open(path: string, options: { create: boolean }): Promise<DiskFile>;
  readFile(path: string): Promise<Buffer>;
  /** Writes a temporary file, syncs it, renames it over `path` and syncs the directory. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  makeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Holds `path` exclusively for this process; rejects with E_LOCKED, naming the holder when known. */
  lock(path: string): Promise<{ release(): Promise<void> }>;
}
