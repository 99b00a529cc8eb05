// The built-in next hop keeps each message as one whole file.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, expect, it } from 'vitest';
import { openMailbox } from '../../../src/cli/mailbox.js';
import { askSmtp } from '../../../src/cli/probe.js';

const directory = mkdtempSync(join(tmpdir(), 'helios-mailbox-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('stores what it is sent with its envelope, and nothing else', async () => {
  const files: string[] = [];
  const mailbox = await openMailbox({ host: '127.0.0.1', port: 0, directory }, (file) => {
    files.push(file);
  });
  expect(await askSmtp('127.0.0.1', mailbox.port)).toBe(true);
  const client = createTransport({ host: '127.0.0.1', port: mailbox.port, ignoreTLS: true });
  await client.sendMail({ from: 'a@x.org', to: ['b@x.org', 'c@x.org'], subject: 's', text: 'hi' });
  client.close();
  await mailbox.close();
  expect(readdirSync(directory).map((name) => join(directory, name))).toEqual(files);
  const text = readFileSync(files[0] ?? '', 'utf8');
  expect(text).toMatch(/^X-Envelope-From: <a@x.org>\r\nX-Envelope-To: <b@x.org>\r\n/);
  expect(text).toContain('Subject: s\r\n');
  expect(text).toContain('hi');
  expect(await askSmtp('127.0.0.1', mailbox.port)).toBe(false);
});
