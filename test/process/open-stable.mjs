// Opens stable stores in a process of its own, since LevelDB is native code and may end it: reads
// directories from standard input, one a line, and answers each with a line of JSON: the state
// found, or the code of the error. Uses dist/.

import { createInterface } from 'node:readline';
import { systemClock } from '../../dist/platform/clock.js';
import { systemDisk } from '../../dist/platform/disk.js';
import { openLevel } from '../../dist/platform/key-value.js';
import { openStableStore } from '../../dist/storage/stable-store.js';

async function open(directory) {
  try {
    const store = await openStableStore({
      directory,
      disk: systemDisk,
      clock: systemClock,
      openKeyValue: openLevel,
      notice: () => {},
    });
    const { hardState } = await store.load();
    await store.close();
    return hardState;
  } catch (error) {
    return { code: error.code ?? 'none', message: String(error.stack) };
  }
}

for await (const directory of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await open(directory))}\n`);
}
