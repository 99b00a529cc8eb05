// Sends one mail through an SMTP node.
// node examples/send-mail.mjs [host:port]

import { createTransport } from 'nodemailer';

const [host, port] = (process.argv[2] ?? '127.0.0.1:2525').split(':');
const transport = createTransport({ host, port: Number(port), tls: { rejectUnauthorized: false } });

try {
  const sent = await transport.sendMail({
    from: 'alice@example.org',
    to: 'bob@example.org',
    subject: 'Hello from Helios',
    text: 'This went through an SMTP node, its queue in the cluster, and the next hop.',
  });
  console.log(`${host}:${port} answered: ${sent.response}`);
} catch (error) {
  console.error(`${host}:${port} did not take the mail: ${error.message}`);
  process.exitCode = 1;
} finally {
  transport.close();
}
