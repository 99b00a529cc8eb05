// Log lines: their shape, levels, rotation, and that a full pipe never blocks.

import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger, formatText, type LogOutput } from '../../../src/observe/logger.js';

let directory: string;
let file: string;
const written = (name = file): string => readFileSync(name, 'utf8');

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'helios-log-'));
  file = join(directory, 'out.log');
});

afterEach(() => rmSync(directory, { recursive: true }));

async function settle(logger: LogOutput, lines: number, name = file): Promise<string[]> {
  await vi.waitFor(() => {
    logger.flush();
    expect(written(name).split('\n').length - 1).toBe(lines);
  });
  return written(name).split('\n').slice(0, -1);
}

describe('text format', () => {
  it('writes the raft lines in the expected shape', async () => {
    const logger = createLogger({ level: 'info', format: 'text', file, timestamps: false });
    const raft = logger.child('raft');
    raft.info('Starting election', { term: 2 });
    raft.info('Won election', { votes: 2, term: 2 });
    raft.info('Entering leader state', { term: 2 });
    raft.info('Log replication successful', { peer: 'node-2', matchIndex: 42 });
    expect(await settle(logger, 4)).toEqual([
      '[INFO] raft: Starting election [term 2]',
      '[INFO] raft: Won election [votes 2 term 2]',
      '[INFO] raft: Entering leader state [term 2]',
      '[INFO] raft: Log replication successful [peer node-2 matchIndex 42]',
    ]);
  });

  it('begins with the time unless told otherwise', async () => {
    const logger = createLogger({ level: 'info', format: 'text', file });
    logger.warn('First', { a: 1 });
    logger.child('peer').error('Second');
    const [first, second] = await settle(logger, 2);
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[WARN\] helios: First \[a 1\]$/,
    );
    expect(second).toMatch(/Z \[ERROR\] peer: Second$/);
  });

  it('quotes values that could break a line or forge one', () => {
    const line = formatText('INFO', 'server', 'Refused', {
      name: 'x]\n[INFO] raft: Won election',
      empty: '',
      plain: '10.0.0.1:80',
      gone: undefined,
      error: new Error('disk full'),
    });
    expect(line).toBe(
      '[INFO] server: Refused [name "x]\\n[INFO] raft: Won election" ' +
        'empty "" plain 10.0.0.1:80 error "disk full"]',
    );
  });
});

describe('output', () => {
  it('writes JSON lines with level, time, scope and event', async () => {
    const logger = createLogger({ level: 'debug', format: 'json', file });
    logger.child('raft').debug('Tick', { term: 3 });
    const [line] = await settle(logger, 1);
    const parsed: unknown = JSON.parse(line!);
    expect(parsed).toMatchObject({ level: 'debug', scope: 'raft', event: 'Tick', term: 3 });
    expect(parsed).toHaveProperty('time');
  });

  it('changes its level while running, for children too', async () => {
    const logger = createLogger({ level: 'info', format: 'text', file, timestamps: false });
    const child = logger.child('x');
    child.debug('hidden');
    logger.setLevel('debug');
    child.debug('shown');
    logger.setLevel('error');
    child.warn('hidden again');
    expect(logger.level).toBe('error');
    expect(await settle(logger, 1)).toEqual(['[DEBUG] x: shown']);
  });

  it('writes to a new file after rotation and reopen', async () => {
    const logger = createLogger({ level: 'info', format: 'text', file, timestamps: false });
    logger.info('before');
    await settle(logger, 1);
    const rotated = join(directory, 'out.log.1');
    renameSync(file, rotated);
    logger.reopen();
    await vi.waitFor(() => expect(written()).toBe(''));
    logger.info('after');
    expect(await settle(logger, 1)).toEqual(['[INFO] helios: after']);
    expect(written(rotated)).toBe('[INFO] helios: before\n');
  });
});
