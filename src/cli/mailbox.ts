// Owns: the built-in next hop of helios-cluster: an SMTP server that keeps each message as one .eml
// file, so that a new user sees mail arrive. It never relays. A file appears whole (written aside
// and renamed) before the 250.

import { randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

export interface Mailbox {
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects when the port cannot be listened on. `onMail` is told of each file. */
export async function openMailbox(
  at: { readonly host: string; readonly port: number; readonly directory: string },
  onMail: (file: string) => void,
): Promise<Mailbox> {
  mkdirSync(at.directory, { recursive: true });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    banner: 'Helios mailbox',
    logger: false,
    onData(stream, session, done) {
      store(at.directory, stream, session).then((file) => {
        onMail(file);
        done();
      }, done);
    },
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // A client that breaks off is its own affair.
  server.on('error', () => {});
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : at.port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function store(
  directory: string,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
): Promise<string> {
  const name = `${new Date().toISOString().replaceAll(/[-:]/g, '')}-${randomUUID().slice(0, 8)}`;
  const aside = join(directory, `.${name}.part`);
  const file = join(directory, `${name}.eml`);
  const { mailFrom, rcptTo } = session.envelope;
  const sender = mailFrom === false ? '' : mailFrom.address;
  const recipients = rcptTo.map((each) => `X-Envelope-To: <${each.address}>\r\n`).join('');
  const out = createWriteStream(aside);
  try {
    out.write(`X-Envelope-From: <${sender}>\r\n${recipients}`);
    await pipeline(stream, out);
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  return file;
}
