import type { DataCommand } from './spec.js';

export const hashCommands: readonly DataCommand[] = [];
