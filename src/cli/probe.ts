// Owns: asking a started node whether it is ready, over its own protocol. A node that does not
// answer is null, never an exception.

import { connect } from 'node:net';
import RedisParser from 'redis-parser';

const PATIENCE_MS = 1_000;

export interface AtlasAnswer {
  /** Id of the leader it knows; empty for none. */
  readonly leader: string;
  readonly state: string;
}

/** Sends PING and INFO; null unless both are answered and PING with PONG. */
export async function askAtlas(host: string, port: number): Promise<AtlasAnswer | null> {
  const replies: string[] = [];
  const parser = new RedisParser({
    returnReply: (reply: unknown) => replies.push(String(reply)),
    returnError: (error: Error) => replies.push(error.message),
    returnFatalError: (error: Error) => replies.push(error.message, ''),
  });
  await converse(host, port, 'PING\r\nINFO\r\n', (chunk) => {
    parser.execute(chunk);
    return replies.length >= 2;
  });
  if (replies[0] !== 'PONG' || replies.length < 2) return null;
  const info = replies[1] ?? '';
  const field = (name: string): string =>
    new RegExp(`^${name}:[ ]*(\\S*)`, 'm').exec(info)?.[1] ?? '';
  return { leader: field('raft_leader'), state: field('raft_state') };
}

/** True when an SMTP server greets. */
export async function askSmtp(host: string, port: number): Promise<boolean> {
  let greeting = '';
  await converse(host, port, '', (chunk) => {
    greeting += chunk.toString('latin1');
    return greeting.includes('\n');
  });
  return greeting.startsWith('220');
}

/** Resolves when `done` is satisfied, the other side closes, or patience ends. */
function converse(
  host: string,
  port: number,
  request: string,
  done: (chunk: Buffer) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    socket.once('connect', () => {
      if (request !== '') socket.write(request);
    });
    socket.on('data', (chunk) => {
      if (done(chunk)) socket.destroy();
    });
  });
}
