import type { DataCommand } from './spec.js';

export const scriptCommands: readonly DataCommand[] = [];
