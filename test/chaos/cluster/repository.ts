// Owns: where the repository is, from the sources as from what was built of them.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function rootAbove(path: string): string {
  return existsSync(join(path, 'package.json')) ? path : rootAbove(dirname(path));
}

export const REPOSITORY = rootAbove(dirname(fileURLToPath(import.meta.url)));
