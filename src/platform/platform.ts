// Owns: everything a node needs of the operating system, as one value. Real here; test/sim gives
// every simulated process one of its own, over a fake clock, network and disk.

import { type Clock, systemClock } from './clock.js';
import { type Disk, systemDisk } from './disk.js';
import { type Entropy, systemEntropy } from './entropy.js';
import { type OpenKeyValue, openLevel } from './key-value.js';
import { readLuaBinary } from './lua-binary.js';
import { type Net, tcp } from './net.js';
import { type ProcessFacts, systemProcess } from './process.js';

export interface Platform {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly net: Net;
  readonly entropy: Entropy;
  readonly process: ProcessFacts;
  readonly openKeyValue: OpenKeyValue;
  /** The Lua interpreter's WebAssembly binary; null leaves EVAL out. */
  readonly luaBinary: () => Uint8Array | null;
}

export const systemPlatform: Platform = {
  clock: systemClock,
  disk: systemDisk,
  net: tcp,
  entropy: systemEntropy,
  process: systemProcess,
  openKeyValue: openLevel,
  luaBinary: readLuaBinary,
};
