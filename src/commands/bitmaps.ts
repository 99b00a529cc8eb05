import type { DataCommand } from './spec.js';

export const bitmapCommands: readonly DataCommand[] = [];
