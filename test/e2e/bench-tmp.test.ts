import { expect, it } from 'vitest';
import { eventually, SmtpClient, startNode, startSink, startStore, testYaml } from './smtp-harness.js';
for (const [conc, clients, nodesN, body] of [[0, 20, 1, 1024], [10, 20, 1, 1024], [10, 20, 3, 1024], [10,10,1, 256*1024]] as const)
it(`bench conc ${conc} clients ${clients} nodes ${nodesN} body ${body}`, async () => {
  const store = await startStore(['--appendfsync', process.env.FSYNC ?? 'everysec']);
  const sink = await startSink();
  const nodes = [];
  for (let i = 0; i < nodesN; i++) nodes.push(await startNode({ id: `n${i}`, storeUrl: store.url, nextHopPort: sink.port, yaml: testYaml({ queue: `{ concurrency: ${conc} }` }) }));
  const text = `Subject: x\r\nMessage-ID: <a>\r\n\r\n${('y'.repeat(76) + '\r\n').repeat(body / 78)}`;
  const per = body > 10000 ? 20 : 150;
  const t0 = performance.now(); const c0 = process.cpuUsage();
  await Promise.all(Array.from({ length: clients }, async (_, c) => {
    const client = SmtpClient.open(nodes[c % nodesN]!.smtpPort);
    await client.reply(); await client.say('EHLO x');
    for (let i = 0; i < per; i++) { const r = await client.message({ body: text }); if (!r.startsWith('250')) throw new Error(r); }
    client.end();
  }));
  const t1 = performance.now();
  const n = clients * per;
  if (conc > 0) await sink.until(() => sink.received.length >= n);
  const t2 = performance.now();
  process.stderr.write(`conc ${conc} nodes ${nodesN} body ${body}: accepted ${(n / (t1 - t0) * 1000).toFixed(0)}/s; delivered end-to-end ${(n / (t2 - t0) * 1000).toFixed(0)}/s\n`);
  const c = process.cpuUsage(c0); process.stderr.write(`  cpu ms per message (node+clients+sink, one process): ${((c.user + c.system) / 1000 / n).toFixed(2)}\n`);
  expect(conc === 0 || sink.counts().size === n).toBe(true);
  await Promise.all(nodes.map((x) => x.stop())); await sink.close(); await store.stop();
}, 60000);
