// Owns: noticing when the machine itself held everybody up, so that a benchmark of tail latency can leave those moments out. A
// virtual machine may run DAMON (kernel thread kdamond), which walks the page tables of all memory in use: seen here, 30 to 55 ms
// each half second with 1.5 GB in use, in which no process gets on. Only reads /proc; never changes what the machine does.

import { readdirSync, readFileSync } from 'node:fs';

/** Shortest run of the thread between two looks that counts as a stall, ns. */
const RUN_NS = 2e6;
/** After a stall, ms: what had waited is still being worked off. */
const AFTER_MS = 20;

function kernelThreads(prefix) {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^[0-9]+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, 'latin1').startsWith(prefix);
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

export class MachineStalls {
  /** [from, to] in ms of performance.now(), in order. */
  spans = [];
  #files = kernelThreads('kdamond').map((pid) => `/proc/${pid}/schedstat`);
  #ran = 0;
  #looked = performance.now();

  constructor() {
    this.#ran = this.#runTime();
  }

  /** False: nothing of the kind runs on this machine, no span is ever found. */
  get possible() {
    return this.#files.length > 0;
  }

  /** To be called each few milliseconds: a stall lies between two looks. */
  look() {
    const now = performance.now();
    const ran = this.#runTime();
    if (ran - this.#ran > RUN_NS) this.spans.push([this.#looked, now + AFTER_MS]);
    this.#ran = ran;
    this.#looked = now;
  }

  /** Whether any stall touches [from, to], ms of performance.now(). */
  touch(from, to) {
    let low = 0;
    let high = this.spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.spans[middle][1] < from) low = middle + 1;
      else high = middle;
    }
    return low < this.spans.length && this.spans[low][0] <= to;
  }

  #runTime() {
    return this.#files.reduce(
      (sum, file) => sum + Number(readFileSync(file, 'latin1').split(' ')[0]),
      0,
    );
  }
}
