import type { DataCommand } from './spec.js';

export const expiryCommands: readonly DataCommand[] = [];
