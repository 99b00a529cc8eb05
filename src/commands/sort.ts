import type { DataCommand } from './spec.js';

export const sortCommands: readonly DataCommand[] = [];
