// Owns: what many seeds add up to, for people.

import { probeHits } from './probes.mjs';

/** Sums by name. */
class Sums {
  #sums = new Map();

  add(name, value) {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + value);
  }

  get(name) {
    return this.#sums.get(name) ?? 0;
  }

  entries() {
    return this.#sums.entries();
  }

  /** `a 1, b 2` of the names that begin so, without that beginning. */
  list(beginning) {
    return [...this.#sums]
      .filter(([name]) => name.startsWith(beginning))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name.slice(beginning.length)} ${value}`)
      .join(', ');
  }
}

export class Summary {
  failures = 0;
  #sums = new Sums();
  #commit;
  #began = performance.now();

  constructor(commit) {
    this.#commit = commit;
  }

  add(outcome) {
    const { seed, profile, failure, trace, same, simulatedMs, events, committed, verdict, counts } =
      outcome;
    const sums = this.#sums;
    sums.add('seeds', 1);
    sums.add('ms', simulatedMs);
    sums.add('events', events);
    sums.add('committed', committed);
    for (const [name, value] of Object.entries(verdict ?? {})) {
      if (typeof value === 'number') sums.add(name, value);
    }
    for (const [name, value] of Object.entries(counts)) sums.add(name, value);
    if (failure === '' && same) return;
    this.failures++;
    const again = same ? 'the same again' : 'ANOTHER TRACE THE SECOND TIME';
    console.log(`FAILED seed ${seed} profile ${profile} trace ${trace.toString(16)} (${again})`);
    console.log(`  ${failure.replaceAll('\n', '\n  ')}`);
  }

  print() {
    const sums = this.#sums;
    const get = (name) => sums.get(name);
    const hours = (get('ms') / 3_600_000).toFixed(2);
    const seconds = (performance.now() - this.#began) / 1000;
    const speed = Math.round(get('ms') / 1000 / seconds);
    console.log(
      `${get('seeds')} seeds, ${hours} simulated hours (${speed} s per second), ` +
        `${get('events')} events, ${get('committed')} entries; git ${this.#commit}`,
    );
    console.log(`faults: ${sums.list('fault ') || 'none'}`);
    console.log(
      `writes: acknowledged ${get('acknowledged')}, definite ${get('definite')}, unknown ` +
        `${get('unknown')} (executed ${get('unknownExecuted')}); reads ${get('reads')}`,
    );
    this.#printProbes();
    const names = ['lost', 'duplicated', 'stale', 'wrong'];
    console.log(names.map((name) => `${name} ${get(name)}`).join(', '));
    console.log(`failed seeds: ${this.failures}`);
  }

  get neverHit() {
    return [...probeHits(this.#sums.entries())]
      .filter(([, count]) => count === 0)
      .map(([name]) => name);
  }

  /** Rare situations; of a few seeds nobody expects them. */
  #printProbes() {
    const hits = [...probeHits(this.#sums.entries())];
    const hit = hits.filter(([, count]) => count > 0);
    console.log(`probes: ${hit.map(([name, count]) => `${name} ${count}`).join(', ')}`);
    console.log(`never hit: ${this.neverHit.join(', ') || 'none'}`);
  }
}
