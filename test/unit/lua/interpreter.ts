// Owns: the interpreter for tests: compiled once for a test file.

import { LuaInterpreter } from '../../../src/lua/lua-vm.js';
import { readLuaBinary } from '../../../src/platform/lua-binary.js';

export const interpreter = new LuaInterpreter(readLuaBinary());
