// Owns: loaded into a benchmarked daemon (node --import): writes how long its event loop was blocked, every 200 ms, to the file
// that BENCH_LOOP_FILE names: `ms-since-1970 longest-ms p99-ms`.

import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
setInterval(() => {
  const line = `${Date.now()} ${delay.max / 1e6} ${delay.percentile(99) / 1e6}\n`;
  appendFileSync(process.env.BENCH_LOOP_FILE, line);
  delay.reset();
}, 200).unref();
