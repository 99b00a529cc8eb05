// Owns: errors an operator or client can meet, told apart from bugs (assert.ts) by a stable code.

/**
 * An expected failure of the outside world: bad configuration, damaged file, port taken, disk full.
 */
export class OperationalError extends Error {
  override readonly name = 'OperationalError';
  readonly code: string;

  /**
   * `code` is stable and upper-case (`E_CONFIG`, `E_LOCKED`, ...); `message` says what was wrong
   * and what would be right.
   */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
