// Owns: putting a log out of the way that must not be used any more: damaged, or of a cluster this
// node has left. One copy is kept beside the log's own directory, for an operator; the next time
// replaces it. The manifest goes first: what a crash leaves is no log any more.

import type { Disk } from '../platform/disk.js';
import { AOF_DIRECTORY, MANIFEST_NAME } from './manifest.js';

export const DISCARDED_DIRECTORY = `${AOF_DIRECTORY}.discarded`;

/** Returns where the log is now; empty when there was none. */
export async function discardLog(disk: Disk, dataDirectory: string): Promise<string> {
  const from = `${dataDirectory}/${AOF_DIRECTORY}`;
  const to = `${dataDirectory}/${DISCARDED_DIRECTORY}`;
  if (!(await disk.exists(from))) return '';
  if (await disk.exists(to)) {
    for (const name of await disk.list(to)) await disk.remove(`${to}/${name}`);
  } else await disk.makeDirectory(to);
  const names = await disk.list(from);
  const [manifest, rest] = [names.filter(isManifest), names.filter((name) => !isManifest(name))];
  for (const name of [...manifest, ...rest]) {
    await disk.rename(`${from}/${name}`, `${to}/${name}`);
    if (isManifest(name)) await disk.syncDirectory(from);
  }
  await disk.syncDirectory(from);
  await disk.syncDirectory(to);
  return names.length === 0 ? '' : to;
}

function isManifest(name: string): boolean {
  return name === MANIFEST_NAME;
}
