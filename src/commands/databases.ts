import type { DataCommand } from './spec.js';

export const databaseCommands: readonly DataCommand[] = [];
