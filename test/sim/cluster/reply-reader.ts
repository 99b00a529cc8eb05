// Owns: where one RESP2 reply ends and the next begins. Replies stay bytes (as latin1 text): they
// are compared, not understood.

export class ReplyReader {
  #text = '';

  /** The replies that are whole now. */
  push(chunk: Buffer): string[] {
    this.#text += chunk.latin1Slice();
    const replies: string[] = [];
    let at = 0;
    for (;;) {
      const end = endOfReply(this.#text, at);
      if (end < 0) break;
      replies.push(this.#text.slice(at, end));
      at = end;
    }
    this.#text = this.#text.slice(at);
    return replies;
  }
}

/** Just behind the reply at `at`; -1 while it is not whole. */
function endOfReply(text: string, at: number): number {
  const line = text.indexOf('\r\n', at);
  if (line < 0) return -1;
  const mark = text[at]!;
  if (mark === '+' || mark === '-' || mark === ':') return line + 2;
  const count = Number(text.slice(at + 1, line));
  if (!Number.isSafeInteger(count)) throw new Error(`not RESP: ${text.slice(at, at + 40)}`);
  if (mark === '$') {
    if (count < 0) return line + 2;
    const end = line + 2 + count + 2;
    return end > text.length ? -1 : end;
  }
  if (mark !== '*') throw new Error(`not RESP: ${text.slice(at, at + 40)}`);
  let end = line + 2;
  for (let i = 0; i < count; i++) {
    end = endOfReply(text, end);
    if (end < 0) return -1;
  }
  return end;
}
