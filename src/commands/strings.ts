import type { DataCommand } from './spec.js';

export const stringCommands: readonly DataCommand[] = [];
