// Goal: RAFT.* hands its words to the group and tells what came of them: done, refused for good, or
// unknown; members are listed a line each; nothing a client sends breaks the reply's line.

import { describe, expect, it } from 'vitest';
import { ErrorReply, OK } from '../../../../src/resp/reply.js';
import { FakeClient, FakeServer } from '../fakes.js';

async function ask(server: FakeServer, ...words: string[]): Promise<unknown> {
  const client = new FakeClient(1);
  server.run(client, ...words);
  await new Promise((resolve) => setImmediate(resolve));
  return client.resolved.at(-1);
}

describe('RAFT', () => {
  it('hands the words to the group, with and without the prefix', async () => {
    const server = new FakeServer();
    expect(await ask(server, 'RAFT.ADDPEER', 'node-4', 'h:1')).toEqual(OK);
    expect(await ask(server, 'removepeer', 'node-4')).toEqual(OK);
    expect(server.group.asked).toEqual([
      ['addpeer', 'node-4', 'h:1'],
      ['removepeer', 'node-4'],
    ]);
  });

  it.each([
    ['refused', 'ERR node-9 is?? not'],
    ['unknown', 'UNKNOWN outcome: node-9 is?? not'],
  ] as const)('tells what is %s, on one line', async (outcome, text) => {
    const server = new FakeServer();
    server.group.outcome = { outcome, text: 'node-9 is\r\n not' };
    expect(await ask(server, 'RAFT.PROMOTE', 'node-9')).toEqual(new ErrorReply(text));
  });

  it('lists the members as this node knows them when the leader does not answer', async () => {
    const server = new FakeServer();
    server.group.outcome = { outcome: 'refused', text: 'no leader' };
    const lines = (await ask(server, 'RAFT.LISTPEERS')) as string[];
    expect(lines[0]).toMatch(/^id=node-1 role=leader addr=10.0.0.1:7000 resp=10.0.0.1:6379 /);
    expect(lines[1]).toMatch(/^id=node-2 role=learner .*connected=no state=probe match=7 lag=35 /);
  });
});
