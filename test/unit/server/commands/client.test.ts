// CLIENT and its subcommands.

import { beforeEach, describe, expect, it } from 'vitest';
import { OK } from '../../../../src/resp/reply.js';
import { NOTHING } from '../../../../src/server/command.js';
import { errorOf, type FakeClient, FakeServer, NOW } from '../fakes.js';
import { plain } from '../reference.js';

let server: FakeServer;
let me: FakeClient;

beforeEach(() => {
  server = new FakeServer();
  me = server.connect();
});

const run = (...args: string[]): ReturnType<FakeServer['run']> => server.run(me, ...args);

describe('CLIENT LIST and INFO', () => {
  it('prints the fields of Redis 7.2 in its order', () => {
    me.name = 'worker';
    me.libName = 'ioredis';
    expect(plain(run('client', 'info'))).toBe(
      'id=1 addr=127.0.0.1:40001 laddr=127.0.0.1:6379 fd=-1 name=worker age=5 idle=1 ' +
        'flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 ' +
        'multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=client|list user=default redir=-1 resp=2 ' +
        'lib-name=ioredis lib-ver=\n',
    );
  });

  it('marks subscribers, transactions and properties', () => {
    const other = server.connect();
    other.subscriptions = { channels: 1, patterns: 2, shardChannels: 0 };
    other.inMulti = true;
    other.queuedCommands = 4;
    other.noEvict = true;
    expect(plain(run('client', 'list', 'id', '2'))).toMatch(
      / flags=Pxe db=0 sub=1 psub=2 ssub=0 multi=4 /,
    );
  });

  it('filters by type and id', () => {
    server.connect().subscriptions.channels = 1;
    server.connect();
    const ids = (...args: string[]): string[] =>
      [...String(plain(run('client', 'list', ...args))).matchAll(/^id=(\d+) /gm)].map((m) => m[1]!);
    expect(ids()).toEqual(['1', '2', '3']);
    expect(ids('type', 'normal')).toEqual(['1', '3']);
    expect(ids('type', 'PUBSUB')).toEqual(['2']);
    expect(ids('type', 'replica')).toEqual([]);
    expect(ids('id', '3', '99', '1')).toEqual(['3', '1']);
    expect(errorOf(run('client', 'list', 'type', 'constructor'))).toBe(
      "ERR Unknown client type 'constructor'",
    );
    expect(errorOf(run('client', 'list', 'id', 'x'))).toBe('ERR Invalid client ID');
    expect(errorOf(run('client', 'list', 'id'))).toBe('ERR syntax error');
  });
});

describe('CLIENT SETNAME and SETINFO', () => {
  it('keep printable words only', () => {
    expect(run('client', 'getname')).toBeNull();
    expect(run('client', 'setname', 'a:b')).toBe(OK);
    expect(run('client', 'getname')).toBe('a:b');
    expect(errorOf(run('client', 'setname', 'a b'))).toBe(
      'ERR Client names cannot contain spaces, newlines or special characters.',
    );
    expect(run('client', 'setname', '')).toBe(OK);
    expect(run('client', 'getname')).toBeNull();
    expect(run('client', 'setinfo', 'LIB-VER', '5.0')).toBe(OK);
    expect(me.libVersion).toBe('5.0');
    expect(errorOf(run('client', 'setinfo', 'lib-name', 'a\n'))).toBe(
      'ERR lib-name cannot contain spaces, newlines or special characters.',
    );
    expect(errorOf(run('client', 'setinfo', 'x', 'y'))).toBe("ERR Unrecognized option 'x'");
  });
});

describe('CLIENT KILL', () => {
  it('closes by address in the old form, the caller included', () => {
    const other = server.connect();
    expect(run('client', 'kill', other.remote)).toBe(OK);
    expect(other.closed).toBe('now');
    expect(run('client', 'kill', me.remote)).toBe(OK);
    expect(me.closesAfterReply).toBe(true);
    expect(errorOf(run('client', 'kill', '9.9.9.9:1'))).toBe('ERR No such client');
  });

  it('counts what all filters match, without the caller unless told', () => {
    const other = server.connect();
    expect(run('client', 'kill', 'type', 'normal')).toBe(1);
    expect(other.closed).toBe('now');
    expect(me.closesAfterReply).toBe(false);
    expect(run('client', 'kill', 'id', '1', 'skipme', 'no')).toBe(1);
    expect(me.closesAfterReply).toBe(true);
    expect(run('client', 'kill', 'id', '2', 'addr', me.remote)).toBe(0);
    expect(run('client', 'kill', 'laddr', me.local, 'user', 'default')).toBe(1);
    expect(run('client', 'kill', 'maxage', '6')).toBe(0);
    expect(run('client', 'kill', 'maxage', '5')).toBe(1);
  });

  it.each([
    [['id', '0'], 'ERR client-id should be greater than 0'],
    [['type', 'x'], "ERR Unknown client type 'x'"],
    [['user', 'bob'], "ERR No such user 'bob'"],
    [['skipme', 'maybe'], 'ERR syntax error'],
    [['addr', 'a', 'id'], 'ERR syntax error'],
    [['constructor', 'x'], 'ERR syntax error'],
  ])('refuses %j', (args, error) => {
    expect(errorOf(run('client', 'kill', ...args))).toBe(error);
  });
});

describe('CLIENT PAUSE', () => {
  it('never shortens or weakens a pause under way', () => {
    expect(run('client', 'pause', '1000')).toBe(OK);
    expect(server.pause).toEqual({ until: NOW + 1000, mode: 'all' });
    run('client', 'pause', '500', 'write');
    expect(server.pause).toEqual({ until: NOW + 1000, mode: 'all' });
    run('client', 'unpause');
    expect(server.pause.until).toBe(0);
    run('client', 'pause', '500', 'WRITE');
    expect(server.pause).toEqual({ until: NOW + 500, mode: 'write' });
    expect(errorOf(run('client', 'pause', 'x'))).toBe(
      'ERR timeout is not an integer or out of range',
    );
    expect(errorOf(run('client', 'pause', '-1'))).toBe('ERR timeout is negative');
    expect(errorOf(run('client', 'pause', '1', 'reads'))).toBe(
      'ERR CLIENT PAUSE mode must be WRITE or ALL',
    );
  });
});

describe('CLIENT REPLY', () => {
  it('turns replies off, on, and skips one', () => {
    expect(run('client', 'reply', 'skip')).toBe(NOTHING);
    expect(me.replyMode).toBe('skip');
    me.replyMode = 'on';
    expect(run('client', 'reply', 'off')).toBe(NOTHING);
    expect(run('client', 'reply', 'skip')).toBe(NOTHING);
    expect(me.replyMode).toBe('off');
    expect(run('client', 'reply', 'on')).toBe(OK);
    expect(me.replyMode).toBe('on');
    expect(errorOf(run('client', 'reply', 'x'))).toBe('ERR syntax error');
  });
});

describe('CLIENT TRACKING', () => {
  it('is refused, so that no client waits for invalidations', () => {
    expect(errorOf(run('client', 'tracking', 'on', 'optin'))).toMatch(
      /^ERR CLIENT TRACKING is not/,
    );
    expect(run('client', 'tracking', 'off')).toBe(OK);
    expect(run('client', 'getredir')).toBe(-1);
    expect(plain(run('client', 'trackinginfo'))).toEqual([
      'flags',
      ['off'],
      'redirect',
      -1,
      'prefixes',
      [],
    ]);
    expect(errorOf(run('client', 'caching', 'yes'))).toMatch(/^ERR CLIENT CACHING can be called/);
  });
});

describe('CLIENT NO-EVICT, NO-TOUCH, UNBLOCK, CAPA', () => {
  it('sets properties', () => {
    expect(run('client', 'no-evict', 'ON')).toBe(OK);
    expect(run('client', 'no-touch', 'on')).toBe(OK);
    expect([me.noEvict, me.noTouch]).toEqual([true, true]);
    run('client', 'no-touch', 'off');
    expect(me.noTouch).toBe(false);
    expect(errorOf(run('client', 'no-touch', 'x'))).toBe('ERR syntax error');
    expect(run('client', 'capa', 'redirect')).toBe(OK);
  });

  it('unblocks only who waits', () => {
    const other = server.connect();
    expect(run('client', 'unblock', '2')).toBe(0);
    other.unblockWith = (how) => how;
    expect(run('client', 'unblock', '2', 'ERROR')).toBe(1);
    expect(other.resolved).toEqual(['error']);
    expect(run('client', 'unblock', '77')).toBe(0);
    expect(errorOf(run('client', 'unblock', 'x'))).toBe(
      'ERR value is not an integer or out of range',
    );
    expect(errorOf(run('client', 'unblock', '1', 'x'))).toBe(
      'ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR',
    );
  });
});
