// Owns: what a library of host functions is: a global table with functions and constants.

import type { HostFunction } from './host-functions.js';
import type { LuaVm } from './lua-vm.js';

export interface Library {
  readonly name: string;
  readonly functions: Readonly<Record<string, HostFunction>>;
  readonly constants?: Readonly<Record<string, number | string>>;
  /** Fields whose value is the NULL light userdata (cjson.null). */
  readonly nulls?: readonly string[];
  /** Called before each run: state a library holds outside the VM starts anew. */
  readonly begin?: () => void;
}

/** Makes a library whose functions use this VM. Called once for each VM. */
export type LibraryMaker = (vm: LuaVm) => Library;
