import type { DataCommand } from './spec.js';

export const setCommands: readonly DataCommand[] = [];
