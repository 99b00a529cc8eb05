// Owns: the checks that stay on in production.
// A failed assertion is a bug or damaged state: it is thrown as AssertionError and ends the process
// (platform/process is the one place that exits). Never use it for input from a client, peer or
// file.

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Closes a switch or if-chain over a union: a value that gets here is a hole in the code. */
export function assertNever(value: never, what: string): never {
  throw new AssertionError(`unexpected ${what}: ${String(value)}`);
}
