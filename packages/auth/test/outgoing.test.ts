import { describe, expect, it } from 'vitest';
import { isLoopbackUrl, isPlainHttpElsewhere, readBounded, retryAfterOf } from '../src/outgoing.ts';

describe('addresses', () => {
  it.each(['http://localhost:4000', 'http://127.0.0.1', 'http://127.255.0.9:80', 'http://[::1]:4000'])(
    '%s is on this machine',
    (url) => {
      expect([isLoopbackUrl(url), isPlainHttpElsewhere(url)]).toEqual([true, false]);
    },
  );

  it.each([
    'http://sts.localhost',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://10.0.0.1',
    'http://[::2]',
    'http://0.0.0.0',
  ])('%s is plain http to another machine (RFC 9700 §2.6)', (url) => {
    expect([isLoopbackUrl(url), isPlainHttpElsewhere(url)]).toEqual([false, true]);
  });

  it('https to another machine is no plain http', () => {
    expect(isPlainHttpElsewhere('https://sts.example')).toBe(false);
  });
});

describe('readBounded', () => {
  it('reads an answer up to the limit, and cancels a larger one', async () => {
    expect(await readBounded(new Response('12345'), 5)).toBe('12345');
    expect(await readBounded(new Response(null), 5)).toBe('');
    let cancelled = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(3)),
      cancel: () => void (cancelled = true),
    });
    await expect(readBounded(new Response(body), 5)).rejects.toThrow(RangeError);
    expect(cancelled).toBe(true);
  });
});

describe('retryAfterOf', () => {
  const NOW = Date.parse('Sun, 06 Nov 1994 08:49:37 GMT') / 1000;

  it.each([
    ['7', 7],
    ['0', 1],
    ['99999', 300],
    ['Sun, 06 Nov 1994 08:50:37 GMT', 60],
    ['Sunday, 06-Nov-94 08:50:37 GMT', 60],
    ['Sun, 06 Nov 1994 09:50:37 GMT', 300],
    ['Sun, 06 Nov 1994 08:00:00 GMT', 1],
    ['soon', 5],
    ['', 5],
  ])('reads %j as %i seconds (RFC 9110 §10.2.3)', (value, seconds) => {
    expect(retryAfterOf(new Response(null, { headers: { 'retry-after': value } }), NOW)).toBe(seconds);
  });

  it('is 5 seconds when nothing is said', () => {
    expect(retryAfterOf(new Response(null), NOW)).toBe(5);
  });
});
