// Owns: the lines a scenario leaves. Each is an event (a role, a commit, an answered read: what the
// group did) or a step (a message, a write: how). `brief` keeps events only, `quiet` nothing.

export type Detail = 'full' | 'brief' | 'quiet';

export class Trace {
  detail: Detail = 'full';
  #lines: string[] = [];

  event(line: string): void {
    if (this.detail !== 'quiet') this.#lines.push(line);
  }

  step(line: string): void {
    if (this.detail === 'full') this.#lines.push(line);
  }

  /** What was left since the last call. */
  take(): string[] {
    return this.#lines.splice(0);
  }
}
