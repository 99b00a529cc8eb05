// Signals, facts and the two ways out of the process.

import { writeSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AssertionError } from '../../../src/base/assert.js';
import { OperationalError } from '../../../src/base/errors.js';
import {
  describeFatal,
  environment,
  exitFatal,
  onSignal,
  systemProcess,
} from '../../../src/platform/process.js';

vi.mock('node:fs', { spy: true });

afterEach(() => vi.restoreAllMocks());

describe('facts', () => {
  it('are those of this process', () => {
    expect(systemProcess.pid).toBe(process.pid);
    expect(systemProcess.os).toMatch(/^\S+ \S+ \S+$/);
    const { rss, used, heapUsed, heapTotal } = systemProcess.memory();
    expect(rss).toBeGreaterThan(heapUsed);
    expect(used).toBeGreaterThanOrEqual(heapUsed);
    expect(heapTotal).toBeGreaterThan(0);
    expect(systemProcess.totalMemory).toBeGreaterThan(rss);
    const before = systemProcess.cpu();
    while (systemProcess.cpu().user <= before.user) systemProcess.memory();
    expect(systemProcess.cpu().system).toBeGreaterThanOrEqual(before.system);
    expect(environment('HELIOS_NO_SUCH_VARIABLE')).toBeUndefined();
  });
});

describe('signals', () => {
  it('are heard until cancelled', () => {
    let heard = 0;
    const listening = onSignal('SIGUSR2', () => heard++);
    process.emit('SIGUSR2');
    listening.cancel();
    process.emit('SIGUSR2');
    expect(heard).toBe(1);
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });
});

describe('exitFatal', () => {
  it('tells what an operator can mend without a stack, and a bug with one', () => {
    expect(describeFatal(new OperationalError('E_LOCKED', 'data directory in use by 42'))).toBe(
      '[FATAL] E_LOCKED: data directory in use by 42',
    );
    expect(describeFatal(new AssertionError('match <= last'))).toMatch(
      /^\[FATAL\] bug: AssertionError: match <= last\n\s+at /,
    );
    expect(describeFatal(new TypeError('x'))).toMatch(/^\[FATAL\] TypeError: x\n\s+at /);
    expect(describeFatal('odd')).toBe('[FATAL] odd');
  });

  it('exits with 1 for the one and 70 for the other', () => {
    const codes: unknown[] = [];
    const printed: string[] = [];
    vi.mocked(writeSync).mockImplementation((_file, text) => printed.push(String(text)));
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      codes.push(code);
      throw new Error('exit');
    });
    expect(() => exitFatal(new OperationalError('E_TEST', 'expected in a test'))).toThrow('exit');
    expect(() => exitFatal(new Error('expected in a test'))).toThrow('exit');
    expect(codes).toEqual([1, 70]);
    expect(printed[0]).toBe('[FATAL] E_TEST: expected in a test\n');
    expect(printed).toHaveLength(2);
  });
});
