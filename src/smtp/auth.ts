// Owns: whether a name and password are those of a configured user. Takes the same time for every
// wrong answer.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { AuthUser } from './settings.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export class UserList {
  readonly #digests: ReadonlyMap<string, Buffer>;
  readonly #nobody = digest('');

  constructor(users: readonly AuthUser[]) {
    this.#digests = new Map(users.map((user) => [user.name, digest(user.password)]));
  }

  get size(): number {
    return this.#digests.size;
  }

  accepts(name: string, password: string): boolean {
    const known = this.#digests.get(name);
    const same = timingSafeEqual(digest(password), known ?? this.#nobody);
    return same && known !== undefined;
  }
}
