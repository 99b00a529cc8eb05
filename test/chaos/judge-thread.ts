// Owns: the judge in a thread of its own, so that judging one epoch does not disturb the times of
// the next.

import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type History, type Judgement, judge } from './check/verdict.js';

export function judgeInThread(history: History): Promise<Judgement> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: history });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

if (!isMainThread) parentPort!.postMessage(judge(workerData as History));
