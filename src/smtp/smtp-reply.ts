// Owns: a refusal as the client sees it: reply code and text. The text starts with the enhanced
// code (RFC 3463) where there is one; smtp-server is told not to add its own, which it picks by
// reply code alone.

export class SmtpReply extends Error {
  override readonly name = 'SmtpReply';
  readonly responseCode: number;

  constructor(responseCode: number, text: string) {
    super(text);
    this.responseCode = responseCode;
  }
}
