import type { DataCommand } from './spec.js';

export const keyCommands: readonly DataCommand[] = [];
