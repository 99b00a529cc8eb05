// Owns: walking the payload of an entry, command by command. The bytes were checked when the entry
// was made and again by its CRC, so anything malformed here is damage or a bug: nextCommand
// asserts.

import { nextCommand } from '../resp/request.js';

export class PayloadReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  reset(payload: Uint8Array): void {
    this.#bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#at = 0;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next command's arguments, latin1, the name first. */
  next(): string[] {
    const { args, end } = nextCommand(this.#bytes, this.#at);
    this.#at = end;
    return args;
  }
}
