// Rates, peaks, slowlog and latency records.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Instruments, resetStats } from '../../../src/server/instruments.js';
import { LatencyHistogram, LatencyMonitor, newCommandStats } from '../../../src/server/latency.js';
import { Settings } from '../../../src/server/settings.js';
import { Slowlog } from '../../../src/server/slowlog.js';
import { FakeServer, NOW } from './fakes.js';

const client = { remote: '1.2.3.4:5', name: 'worker' };

describe('slowlog', () => {
  it('keeps commands at or above the threshold, newest first', () => {
    const slowlog = new Slowlog(new Settings());
    slowlog.note(['get', 'a'], 9999, client, NOW);
    slowlog.note(['get', 'b'], 10_000, client, NOW);
    slowlog.note(['get', 'c'], 20_000, client, NOW + 2000);
    expect(slowlog.latest(-1)).toEqual([
      {
        id: 1,
        time: NOW / 1000 + 2,
        micros: 20_000,
        args: ['get', 'c'],
        remote: '1.2.3.4:5',
        clientName: 'worker',
      },
      {
        id: 0,
        time: NOW / 1000,
        micros: 10_000,
        args: ['get', 'b'],
        remote: '1.2.3.4:5',
        clientName: 'worker',
      },
    ]);
    expect(slowlog.latest(1).map((entry) => entry.id)).toEqual([1]);
    expect(slowlog.latest(0)).toEqual([]);
    slowlog.reset();
    expect(slowlog.length).toBe(0);
  });

  it('keeps none when off, and no more than slowlog-max-len', () => {
    const settings = new Settings();
    const slowlog = new Slowlog(settings);
    settings.set(['slowlog-log-slower-than', '-1']);
    slowlog.note(['get', 'a'], 1e9, client, NOW);
    expect(slowlog.length).toBe(0);
    settings.set(['slowlog-log-slower-than', '0', 'slowlog-max-len', '2']);
    for (const key of ['a', 'b', 'c']) slowlog.note(['get', key], 0, client, NOW);
    expect(slowlog.latest(-1).map((entry) => entry.args[1])).toEqual(['c', 'b']);
  });

  it('shortens arguments', () => {
    const settings = new Settings();
    settings.set(['slowlog-log-slower-than', '0']);
    const slowlog = new Slowlog(settings);
    slowlog.note(['set', 'x'.repeat(129)], 1, client, NOW);
    slowlog.note(['sadd', ...Array.from({ length: 40 }, String)], 1, client, NOW);
    const [many, long] = slowlog.latest(-1);
    expect(long!.args[1]).toBe(`${'x'.repeat(128)}... (1 more bytes)`);
    expect(many!.args).toHaveLength(32);
    expect(many!.args.at(-1)).toBe('... (10 more arguments)');
  });

  it('never shows a password', () => {
    const settings = new Settings();
    settings.set(['slowlog-log-slower-than', '0']);
    const slowlog = new Slowlog(settings);
    for (const line of [
      'AUTH hunter2',
      'AUTH me hunter2',
      'HELLO 3 AUTH default hunter2',
      'CONFIG SET timeout 1 requirepass hunter2',
      'CONFIG SET masterauth hunter2',
      'ACL SETUSER bob >hunter2',
    ]) {
      slowlog.note(line.split(' '), 1, client, NOW);
    }
    const text = JSON.stringify(slowlog.latest(-1));
    expect(text).not.toContain('hunter2');
    expect(text).toContain('"timeout","1","requirepass","(redacted)"');
  });
});

describe('latency monitor', () => {
  it('keeps the worst spike of each second, and forgets on request', () => {
    const settings = new Settings();
    const monitor = new LatencyMonitor(settings);
    monitor.note('fsync', 500, NOW);
    expect(monitor.events()).toEqual([]);
    settings.set(['latency-monitor-threshold', '100']);
    monitor.note('fsync', 99, NOW);
    monitor.note('fsync', 100, NOW);
    monitor.note('fsync', 150, NOW + 10);
    monitor.note('fsync', 120, NOW + 20);
    monitor.note('fsync', 110, NOW + 1000);
    monitor.note('command', 200, NOW);
    expect(monitor.history('fsync')).toEqual([
      { time: NOW / 1000, latency: 150 },
      { time: NOW / 1000 + 1, latency: 110 },
    ]);
    expect(monitor.events()[0]).toEqual({
      event: 'fsync',
      last: { time: NOW / 1000 + 1, latency: 110 },
      max: 150,
    });
    expect(monitor.reset(['fsync', 'nosuch'])).toBe(1);
    expect(monitor.reset([])).toBe(1);
    expect(monitor.events()).toEqual([]);
  });

  it('keeps 160 samples of an event', () => {
    const settings = new Settings();
    settings.set(['latency-monitor-threshold', '1']);
    const monitor = new LatencyMonitor(settings);
    for (let i = 0; i < 200; i++) monitor.note('fsync', 5, NOW + i * 1000);
    expect(monitor.history('fsync')).toHaveLength(160);
    expect(monitor.history('fsync')[0]!.time).toBe(NOW / 1000 + 40);
  });
});

describe('latency histogram', () => {
  it('has every percentile within a sixteenth above the exact one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 30 - 1 }), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 100 }),
        (values, percent) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value);
          const sorted = [...values].sort((a, b) => a - b);
          const exact = sorted[Math.ceil((values.length * percent) / 100) - 1]!;
          const found = histogram.percentile(percent);
          expect(found).toBeGreaterThanOrEqual(exact);
          expect(found).toBeLessThanOrEqual(exact + exact / 16);
        },
      ),
    );
  });

  it('counts up to powers of two', () => {
    const histogram = new LatencyHistogram();
    for (const micros of [15, 3, 3, 900]) histogram.record(micros);
    expect(histogram.cumulative()).toEqual([
      [4, 2],
      [8, 2],
      [16, 3],
      [32, 3],
      [64, 3],
      [128, 3],
      [256, 3],
      [512, 3],
      [1024, 4],
    ]);
  });

  it('ends for values beyond its range, and after reset', () => {
    const histogram = new LatencyHistogram();
    histogram.record(2 ** 40);
    histogram.record(Number.POSITIVE_INFINITY);
    histogram.record(-1);
    expect(histogram.cumulative().at(-1)![1]).toBe(3);
    histogram.reset();
    expect(histogram.cumulative()).toEqual([]);
    expect(histogram.percentile(50)).toBe(0);
  });
});

describe('instruments', () => {
  it('gives rates per second over the last samples, and survives a reset of the counters', () => {
    const { stats, instruments } = new FakeServer();
    let now = 1000;
    const step = (commands: number): void => {
      stats.commandsProcessed += commands;
      now += 100;
      instruments.sample(stats, now);
    };
    for (let i = 0; i < 20; i++) step(50);
    expect(instruments.commandRate.perSecond).toBeCloseTo(500);
    resetStats(stats);
    step(0);
    expect(instruments.commandRate.perSecond).toBeLessThan(500);
    for (let i = 0; i < 16; i++) step(0);
    expect(instruments.commandRate.perSecond).toBe(0);
  });

  it('remembers the peak of memory', () => {
    let used = 10;
    const { process, identity } = new FakeServer().instruments;
    const facts = { ...process, memory: () => ({ ...process.memory(), used }) };
    const instruments = new Instruments(new Settings(), facts, identity);
    const { stats } = new FakeServer();
    used = 99;
    instruments.sample(stats, 1);
    used = 20;
    instruments.sample(stats, 2);
    expect(instruments.memoryAtStart).toBe(10);
    expect(instruments.memoryPeak).toBe(99);
  });

  it('resets command records in place', () => {
    const { stats } = new FakeServer();
    const get = newCommandStats();
    get.calls = 3;
    get.latency.record(5);
    stats.commands.set('get', get);
    resetStats(stats);
    expect(stats.commands.get('get')).toBe(get);
    expect(get).toMatchObject({ calls: 0, micros: 0, rejected: 0, failed: 0 });
    expect(get.latency.count).toBe(0);
  });
});
