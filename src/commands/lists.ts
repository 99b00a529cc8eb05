import type { DataCommand } from './spec.js';

export const listCommands: readonly DataCommand[] = [];
