// The small HTTP listener: bounds, bad requests, closing.

import { afterEach, describe, expect, it } from 'vitest';
import { type HttpHandler, type HttpListener, listenHttp } from '../../../src/platform/http.js';

let listener: HttpListener | undefined;
let errors: unknown[] = [];

afterEach(async () => {
  await listener?.close();
  listener = undefined;
  errors = [];
});

async function serve(handler: HttpHandler, bodyMax = 10): Promise<string> {
  const onError = (error: unknown): void => {
    errors.push(error);
  };
  listener = await listenHttp({ host: '127.0.0.1', port: 0, bodyMax, onError }, handler);
  return `http://127.0.0.1:${listener.port}`;
}

describe('listenHttp', () => {
  it('hands over method, path, query, headers and body, and sends the answer', async () => {
    const url = await serve(({ method, path, query, header, body }) => ({
      status: 201,
      headers: { 'x-test': 'yes' },
      body: JSON.stringify([method, path, query.get('q'), header('x-in'), body.toString('latin1')]),
    }));
    const response = await fetch(`${url}/a%20b?q=1&r`, {
      method: 'PUT',
      headers: { 'X-In': 'here' },
      body: 'hello',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-test')).toBe('yes');
    expect(await response.json()).toEqual(['PUT', '/a%20b', '1', 'here', 'hello']);
  });

  it('answers HEAD without body', async () => {
    const url = await serve(() => ({ status: 200, body: 'four' }));
    const response = await fetch(url, { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe('4');
    expect(await response.text()).toBe('');
  });

  it('refuses a body over the bound and never calls the handler', async () => {
    let calls = 0;
    const url = await serve(() => {
      calls++;
      return { status: 200, body: '' };
    });
    const response = await fetch(url, { method: 'POST', body: 'x'.repeat(11) });
    expect(response.status).toBe(413);
    expect(calls).toBe(0);
    expect(errors).toEqual([]);
  });

  it('answers 500 when the handler throws, tells the owner, and goes on', async () => {
    const url = await serve(({ path }) => {
      if (path === '/bad') throw new Error('secret detail');
      return { status: 200, body: 'fine' };
    });
    const response = await fetch(`${url}/bad`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(errors).toHaveLength(1);
    expect(await (await fetch(url)).text()).toBe('fine');
  });

  it('rejects when the port is taken', async () => {
    await serve(() => ({ status: 200, body: '' }));
    const again = listenHttp({ host: '127.0.0.1', port: listener!.port }, () => ({
      status: 200,
      body: '',
    }));
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
