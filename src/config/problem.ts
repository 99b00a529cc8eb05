// Owns: what a wrong setting looks like to an operator, and the error that carries all of them at
// once. One line per problem: `where: what was wrong; expected ...`. `where` is a flag (-listen), a
// variable (HELIOS_LISTEN) or a place in a file (cluster-node1.yaml:3:11: atlas.listen).

import { OperationalError } from '../base/errors.js';

/** Where a value came from; `label` is what a problem with it starts with. */
export interface Origin {
  readonly source: 'flag' | 'env' | 'file' | 'default';
  readonly label: string;
}

/** Thrown by loadConfig with every problem found; nothing has been created or opened by then. */
export class ConfigError extends OperationalError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super('E_CONFIG', problems.join('\n'));
    this.problems = problems;
  }
}

/** Collects problems; a check that depends on others asks `count` first. */
export class Problems {
  readonly #lines: string[] = [];

  get count(): number {
    return this.#lines.length;
  }

  add(label: string, what: string): void {
    const line = `${label}: ${what}`;
    if (!this.#lines.includes(line)) this.#lines.push(line);
  }

  throwIfAny(): void {
    if (this.#lines.length > 0) throw new ConfigError([...this.#lines]);
  }
}

/** A value as a problem shows it: quoted, control characters escaped, cut at 60 characters. */
export function shown(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(cut);
}
