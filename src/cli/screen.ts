// Owns: the one screen that helios-cluster shows when everything is up: what runs where, and what
// to try.

import type { ClusterPlan } from './cluster-plan.js';

export interface ScreenFacts {
  readonly plan: ClusterPlan;
  readonly leader: string;
  /** Process id by node name. */
  readonly pids: ReadonlyMap<string, number>;
}

export function readyScreen(facts: ScreenFacts): string {
  const lines = ['', 'Helios is up.', '', ...table(facts), '', ...redisHints(facts)];
  if (facts.plan.smtp.length > 0) lines.push('', ...mailHints(facts));
  lines.push('', ...failureHints(facts), '', 'Ctrl-C stops everything. Data and logs stay in:');
  lines.push(`  ${facts.plan.dataDir}`, '');
  return lines.join('\n');
}

function table({ plan, leader, pids }: ScreenFacts): string[] {
  const rows = [['', 'clients', 'metrics', 'members', 'pid', '']];
  const pid = (name: string): string => String(pids.get(name) ?? '');
  for (const node of plan.atlas) {
    const at = `redis ${plan.host}:${node.port}`;
    const role = node.id === leader ? 'leader' : '';
    const metrics = `:${node.metricsPort}/metrics`;
    rows.push([node.id, at, metrics, `:${node.raftPort}`, pid(node.id), role]);
  }
  for (const node of plan.smtp) {
    const at = `smtp  ${plan.host}:${node.port}`;
    rows.push([node.id, at, `:${node.metricsPort}/metrics`, '', pid(node.id), '']);
  }
  if (plan.mailbox !== null) {
    const at = `smtp  ${plan.host}:${plan.mailbox.port}`;
    rows.push(['mailbox', at, '', '', '', `-> ${plan.mailbox.directory}/*.eml`]);
  }
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

function redisHints({ plan }: ScreenFacts): string[] {
  const [first, second] = [plan.atlas[0]?.port, (plan.atlas[1] ?? plan.atlas[0])?.port];
  const urls = plan.atlas.map((node) => `${plan.host}:${node.port}`).join(',');
  return [
    'Write at one node, read at another:',
    `  redis-cli -p ${first} SET mykey "hello cluster"`,
    `  redis-cli -p ${second} GET mykey`,
    'Without redis-cli:',
    `  node examples/set-get.mjs ${urls}`,
  ];
}

function mailHints({ plan }: ScreenFacts): string[] {
  const port = plan.smtp[0]?.port;
  const lines = [
    'Send a mail through an SMTP node:',
    `  node examples/send-mail.mjs ${plan.host}:${port}`,
    `  curl smtp://${plan.host}:${port} --mail-from a@example.org --mail-rcpt b@example.org -T README.md`,
  ];
  if (plan.mailbox !== null) lines.push(`  ls ${plan.mailbox.directory}`);
  return lines;
}

function failureHints({ plan, leader, pids }: ScreenFacts): string[] {
  if (plan.atlas.length < 3) return [];
  const other = plan.atlas.find((node) => node.id !== leader)?.port;
  return [
    `Kill the leader (${leader}), keep writing, watch it come back:`,
    `  kill -9 ${pids.get(leader) ?? ''}`,
    `  redis-cli -p ${other} SET failover-test still-working`,
  ];
}
