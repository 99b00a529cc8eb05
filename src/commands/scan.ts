import type { DataCommand } from './spec.js';

export const scanCommands: readonly DataCommand[] = [];
