import type { DataCommand } from './spec.js';

export const sortedSetCommands: readonly DataCommand[] = [];
