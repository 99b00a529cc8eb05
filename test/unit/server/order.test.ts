// Commands of one connection take effect in order, and reads are linearizable, however the group
// delays things (architecture D5). The property drives a counter: INCR by this node's connections
// and by another node, GET between.

import fc from 'fast-check';
import Parser from 'redis-parser';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/platform/net.js';
import { ErrorReply } from '../../../src/resp/reply.js';
import { makeServer, startServer, type TestServer } from './fake-group.js';
import { RawClient, resp } from './raw-client.js';

/** A connection whose two ends are in the test's hands. */
class Wire implements Connection {
  readonly remote = '127.0.0.1:1';
  readonly local = '127.0.0.1:2';
  readonly pendingBytes = 0;
  readonly replies: unknown[] = [];
  #deliver: (chunk: Buffer) => void = () => {};
  readonly #parser = new Parser({
    returnReply: (reply) => this.replies.push(reply),
    returnError: (error) => this.replies.push(error),
  });

  writev(): boolean {
    return true;
  }
  write(data: string | Uint8Array): boolean {
    this.#parser.execute(Buffer.from(data as string, 'latin1'));
    return true;
  }
  onData(run: (chunk: Buffer) => void): void {
    this.#deliver = run;
  }
  send(text: string): void {
    this.#deliver(Buffer.from(text, 'latin1'));
  }
  onClose(): void {}
  onDrain(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

type Step =
  | { readonly do: 'send'; readonly who: number; readonly what: readonly Op[] }
  | { readonly do: 'commit'; readonly count: number }
  | { readonly do: 'foreign' | 'apply' | 'admit' | 'flip' };
type Op = 'incr' | 'get' | 'ping' | 'multi' | 'multiget';

const ops = fc.array(fc.constantFrom<Op>('incr', 'get', 'get', 'ping', 'multi', 'multiget'), {
  minLength: 1,
  maxLength: 6,
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('send' as const), who: fc.nat(2), what: ops }),
    fc.record({ do: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constantFrom('foreign' as const, 'apply' as const, 'apply' as const) }),
    fc.record({ do: fc.constantFrom('admit' as const, 'flip' as const) }),
  ),
  { maxLength: 60 },
);

const TEXT: Readonly<Record<Op, string>> = {
  incr: resp('INCR', 'n'),
  get: resp('GET', 'n'),
  ping: resp('PING'),
  multi: resp('MULTI') + resp('INCR', 'n') + resp('EXEC'),
  multiget: resp('MULTI') + resp('GET', 'n') + resp('EXEC'),
};
/** Replies of each, and where the number is. */
const REPLIES: Readonly<Record<Op, number>> = { incr: 1, get: 1, ping: 1, multi: 3, multiget: 3 };

interface Sent {
  readonly op: Op;
  /** INCRs known to be done when it was sent. */
  readonly floor: number;
}

describe('any schedule', () => {
  test('keeps the order of each connection and reads what was done before', () => {
    fc.assert(
      fc.property(steps, (schedule) => run(schedule)),
      { numRuns: 1500 },
    );
  });
});

function run(schedule: readonly Step[]): void {
  const { group, server } = makeServer();
  group.automatic = false;
  group.canReadNow = false;
  const wires = [new Wire(), new Wire(), new Wire()];
  const sent: Sent[][] = [[], [], []];
  const checked = [0, 0, 0];
  let known = 0;
  let committed = 0;
  for (const wire of wires) server.accept(wire);
  const settle = (): void => {
    server.flushOutputs();
    for (let who = 0; who < wires.length; who++) {
      const done = check(wires[who]!, sent[who]!, checked[who]!);
      checked[who] = done.checked;
      known = Math.max(known, done.highest);
    }
  };
  for (const step of schedule) {
    if (step.do === 'send') {
      for (const op of step.what) sent[step.who]!.push({ op, floor: known });
      wires[step.who]!.send(step.what.map((op) => TEXT[op]).join(''));
    } else if (step.do === 'commit') {
      committed += Math.min(step.count, group.writes.length);
      group.commit(step.count);
    } else if (step.do === 'foreign') {
      // Committed, so the other node may have answered its client: with the count of all INCRs in
      // the log.
      group.foreign('INCR', 'n');
      known = ++committed;
    } else if (step.do === 'apply') group.applyNext();
    else if (step.do === 'admit') group.admitReads();
    else group.canReadNow = group.commitIndex === group.appliedIndex && !group.canReadNow;
    // A lease only holds on a node that has applied everything committed.
    if (group.commitIndex > group.appliedIndex) group.canReadNow = false;
    settle();
  }
  group.canReadNow = false;
  for (let i = 0; i < 3; i++) {
    group.step(Number.POSITIVE_INFINITY);
    group.admitReads();
    server.flushOutputs();
  }
  settle();
  for (let who = 0; who < wires.length; who++) expect(checked[who]).toBe(sent[who]!.length);
  server.close();
}

/**
 * Checks the replies that are complete; the numbers of one connection never go down, INCRs go up.
 */
function check(
  wire: Wire,
  sent: readonly Sent[],
  from: number,
): { checked: number; highest: number } {
  let at = 0;
  let last = 0;
  let checked = 0;
  for (const { op, floor } of sent) {
    const end = at + REPLIES[op];
    if (wire.replies.length < end) break;
    const reply = wire.replies[end - 1];
    if (op === 'ping') expect(reply).toBe('PONG');
    else {
      const value = Number(Array.isArray(reply) ? reply[0] : reply);
      if (op === 'incr' || op === 'multi') expect(value).toBeGreaterThan(last);
      else expect(value).toBeGreaterThanOrEqual(last);
      expect(value).toBeGreaterThanOrEqual(floor);
      last = value;
    }
    at = end;
    checked++;
  }
  expect(checked).toBeGreaterThanOrEqual(from);
  return { checked, highest: last };
}

describe('one connection', () => {
  let test1: TestServer;
  afterEach(() => test1.close());

  async function manual(): Promise<RawClient> {
    test1 = await startServer();
    test1.group.automatic = false;
    test1.group.canReadNow = false;
    return new RawClient(test1.port);
  }

  async function written(count: number): Promise<void> {
    const { group } = test1;
    while (group.writes.length < count) {
      await new Promise<void>((resolve) => {
        group.onWrite = resolve;
      });
    }
  }

  test('writes are sent ahead of answers; reads between see their place', async () => {
    const client = await manual();
    client.lines('SET a 1', 'GET a', 'SET a 2', 'GET a', 'GET a', 'SET a 3', 'PING');
    await written(3);
    expect(client.received).toBe('');
    test1.group.step(1);
    await client.expect('+OK\r\n$1\r\n1\r\n');
    test1.group.step(1);
    await client.expect('+OK\r\n$1\r\n2\r\n$1\r\n2\r\n');
    expect(client.received).toBe('');
    test1.group.step(1);
    await client.expect('+OK\r\n+PONG\r\n');
    expect(test1.group.reads).toHaveLength(0);
  });

  test('a read sent after the write left asks again: others may be done meanwhile', async () => {
    const client = await manual();
    client.lines('SET mine 1');
    await written(1);
    test1.group.commit();
    test1.group.foreign('SET', 'theirs', '2');
    client.lines('GET theirs', 'PING');
    while (test1.group.reads.length === 0) await new Promise(setImmediate);
    test1.group.applyNext();
    await client.expect('+OK\r\n');
    test1.group.admitReads();
    expect(client.received).toBe('');
    test1.group.applyNext();
    test1.group.admitReads();
    await client.expect('$1\r\n2\r\n+PONG\r\n');
  });

  test('a command of the server waits for what was sent before it', async () => {
    const client = await manual();
    client.lines('SET a 1', 'HELLO 3', 'GET nothing');
    await written(1);
    test1.group.step(1);
    await client.expect('+OK\r\n%7\r\n');
    while (test1.group.reads.length === 0) await new Promise(setImmediate);
    test1.group.admitReads();
    await client.length(10);
    while (!client.received.endsWith('_\r\n')) await new Promise(setImmediate);
  });

  test('a failed write is answered and what is behind it goes on', async () => {
    const client = await manual();
    client.lines('SET a 1', 'GET a', 'SET a 2');
    await written(2);
    test1.group.failWrite(new ErrorReply('UNKNOWN outcome'));
    await client.expect('-UNKNOWN outcome\r\n');
    while (test1.group.reads.length === 0) await new Promise(setImmediate);
    test1.group.failRead(new ErrorReply('CLUSTERDOWN no leader'));
    await client.expect('-CLUSTERDOWN no leader\r\n');
    test1.group.step(1);
    await client.expect('+OK\r\n');
  });

  test('local reads do not ask, but keep their place', async () => {
    const client = await manual();
    client.lines('READONLY', 'GET a', 'SET a 1', 'GET a');
    await client.expect('+OK\r\n$-1\r\n');
    await written(1);
    expect(test1.group.reads).toHaveLength(0);
    test1.group.step(1);
    await client.expect('+OK\r\n$1\r\n1\r\n');
  });

  test('a client that leaves with writes under way does no harm', async () => {
    const client = await manual();
    client.lines('SET a 1', 'GET a', 'SET a 2', 'MULTI', 'SET a 3', 'EXEC');
    await written(3);
    client.socket.resetAndDestroy();
    while (test1.server.clients.size > 0) await new Promise(setImmediate);
    test1.group.step(3);
    test1.group.canReadNow = true;
    const other = new RawClient(test1.port);
    other.lines('GET a');
    await other.expect('$1\r\n3\r\n');
    other.destroy();
  });

  test('a refusal is definite and keeps its place', async () => {
    const client = await manual();
    client.lines('SET a 1');
    await written(1);
    test1.group.refused = new ErrorReply('CLUSTERDOWN no leader');
    client.lines('SET a 2', 'MULTI', 'SET a 3', 'EXEC');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(client.received).toBe('');
    test1.group.step(1);
    await client.expect('+OK\r\n-CLUSTERDOWN no leader\r\n+OK\r\n+QUEUED\r\n');
    await client.expect('-EXECABORT Transaction discarded because of: CLUSTERDOWN no leader\r\n');
  });
});
