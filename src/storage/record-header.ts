// Owns: a cursor over the bytes of a record header, for record.ts. Failing once makes `failed` true
// and every later answer meaningless but harmless; the caller asks once, at the end. Never reads
// outside [offset, end).

/** Longest line Redis can skip, with CRLF. */
const LINE_BYTES_MAX = 1023;
const CR = 13;
const LF = 10;
const PLUS = 43;
const NO_JSON = Buffer.alloc(0);

export class HeaderReader {
  #buffer: Buffer = NO_JSON;
  at = 0;
  /** Just after the last CRLF of the header. */
  end = 0;
  failed = false;
  /** Format version found when it is not ours; 0 otherwise. */
  version = 0;

  /** Finds the extent of the header at `offset`: 'whole', 'incomplete', or what is wrong. */
  begin(buffer: Buffer, offset: number, prefix: string): string {
    this.#buffer = buffer;
    this.at = offset;
    this.failed = false;
    this.version = 0;
    const wrong = this.#checkPrefix(prefix);
    if (wrong !== '') return wrong;
    for (let line = offset; ; ) {
      const lf = buffer.indexOf(LF, line);
      if (lf < 0) return this.#unfinished(line);
      if (lf - line >= LINE_BYTES_MAX) return 'a header line is too long';
      if (lf === line || buffer[lf - 1] !== CR) return 'a header line does not end with CRLF';
      if (line !== offset && buffer[line] !== 35) return 'a header line does not begin with #';
      this.end = lf + 1;
      if (buffer[lf - 2] !== PLUS || buffer[lf - 3] !== 32) return 'whole';
      line = lf + 1;
    }
  }

  /** The byte at the cursor; -1 at the end. */
  peek(): number {
    return this.at < this.end ? this.#buffer[this.at]! : -1;
  }

  literal(text: string): void {
    const buffer = this.#buffer;
    let at = this.at;
    if (at + text.length > this.end) this.failed = true;
    for (let i = 0; i < text.length; i++) {
      if (buffer[at++] !== text.charCodeAt(i)) {
        this.failed = true;
        return;
      }
    }
    this.at = at;
  }

  /** A literal, then a decimal number: canonical, at most 2^53 - 1. */
  field(name: string): number {
    this.literal(name);
    const buffer = this.#buffer;
    const start = this.at;
    let at = start;
    let value = 0;
    for (; at < this.end; at++) {
      const digit = buffer[at]! - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = at - start;
    const padded = digits > 1 && buffer[start] === 48;
    if (digits === 0 || digits > 16 || padded || !Number.isSafeInteger(value)) this.failed = true;
    this.at = at;
    return value;
  }

  hexField(name: string): number {
    this.literal(name);
    const value = this.hexAt(this.at);
    this.at += 8;
    return value;
  }

  /** Eight lower-case hexadecimal digits at an offset; -1 when they are not. */
  hexAt(offset: number): number {
    if (offset + 8 > this.end) {
      this.failed = true;
      return -1;
    }
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const digit = hexDigit(this.#buffer[offset + i]!);
      if (digit < 0) {
        this.failed = true;
        return -1;
      }
      value = value * 16 + digit;
    }
    return value;
  }

  /** A space, then characters up to the next space, colon or line end. */
  word(): string {
    this.literal(' ');
    return this.#characters();
  }

  /** A word that may hold %xx. */
  escapedWord(): string {
    const raw = this.#characters();
    if (!raw.includes('%')) return raw;
    if (/%(?![0-9a-f]{2})/.test(raw)) this.failed = true;
    return raw.replace(/%([0-9a-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }

  /** Steps over " +", CRLF and the mark of the next line when the line is continued here. */
  continueLine(mark: string): void {
    const at = this.at;
    const buffer = this.#buffer;
    if (buffer[at] !== 32 || buffer[at + 1] !== PLUS || buffer[at + 2] !== CR) return;
    this.at = at + 4;
    this.literal(mark);
  }

  /** The text of the "#= " lines up to the end of the header, joined. */
  json(): Buffer {
    const pieces: Buffer[] = [];
    while (!this.failed && this.at < this.end - 2) {
      const before = this.at;
      this.continueLine('#=');
      this.literal(' ');
      if (this.failed || this.at === before + 1) return this.#noJson();
      const lineEnd = this.#buffer.indexOf(LF, this.at) - 1;
      const continued = lineEnd + 2 < this.end;
      const stop = continued ? lineEnd - 2 : lineEnd;
      pieces.push(this.#buffer.subarray(this.at, stop));
      this.at = stop;
    }
    return pieces.length === 0 ? this.#noJson() : Buffer.concat(pieces);
  }

  #noJson(): Buffer {
    this.failed = true;
    return NO_JSON;
  }

  #characters(): string {
    const start = this.at;
    let at = start;
    while (at < this.end && this.#buffer[at]! > 32 && this.#buffer[at] !== 58) at++;
    if (at === start) this.failed = true;
    this.at = at;
    return this.#buffer.latin1Slice(start, at);
  }

  #checkPrefix(prefix: string): string {
    const buffer = this.#buffer;
    const length = Math.min(prefix.length, buffer.length - this.at);
    for (let i = 0; i < length; i++) {
      if (buffer[this.at + i] !== prefix.charCodeAt(i)) return this.#otherFormat(prefix);
    }
    return length < prefix.length ? 'incomplete' : '';
  }

  #otherFormat(prefix: string): string {
    const end = Math.min(this.at + 20, this.#buffer.length);
    const text = this.#buffer.latin1Slice(this.at, end);
    const match = /^#HELIOS\/([1-9][0-9]{0,5}) /.exec(text);
    if (match === null || prefix.startsWith(match[0])) return 'no record begins here';
    this.version = Number(match[1]);
    return `the record has format version ${this.version}`;
  }

  /** No line feed up to the end of the buffer: cut short, unless there is a byte no header has. */
  #unfinished(line: number): string {
    const buffer = this.#buffer;
    if (buffer.length - line > LINE_BYTES_MAX) return 'a header line is too long';
    const last = buffer.length - 1;
    for (let at = line; at <= last; at++) {
      const byte = buffer[at]!;
      if (byte < 32 && !(byte === CR && at === last)) return 'a header holds a control character';
    }
    return 'incomplete';
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  return byte >= 97 && byte <= 102 ? byte - 87 : -1;
}
