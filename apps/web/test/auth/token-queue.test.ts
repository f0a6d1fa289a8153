import { expect, it } from 'vitest';
import type { TokenOutcome, TokenSet } from '../../src/auth/authorization-server.ts';
import { TokenQueue } from '../../src/auth/token-queue.ts';

const NOW = 1_800_000_000;
const tokens: TokenSet = {
  subject: 'usr_1',
  name: 'Alice',
  idToken: 'id-token',
  claims: { iss: 'i', aud: 'web.client', sub: 'usr_1', iat: NOW, exp: NOW + 600 },
  accessToken: 'at-1',
  resource: 'api1',
  expiresAt: NOW + 600,
  refreshToken: 'rt-1',
  sessionEndsAt: undefined,
};

/** The outcomes of refreshes and silent requests, in turn, and the requests that were made. */
function queueOf(first: Partial<TokenSet>, refreshes: TokenOutcome[], silent: TokenOutcome[] = []) {
  const asked: string[] = [];
  const none: TokenOutcome = { ok: false, problem: { kind: 'no_answer' } };
  const queue = new TokenQueue(
    { ...tokens, ...first },
    {
      refresh: async (held) => {
        asked.push(held.refreshToken ?? 'none');
        return refreshes.shift() ?? none;
      },
      authorizeSilently: async () => {
        asked.push('silent');
        return silent.shift() ?? none;
      },
      now: () => NOW,
    },
  );
  return { queue, asked };
}

const renewed = (number: number): TokenOutcome => ({
  ok: true,
  tokens: { ...tokens, accessToken: `at-${number}`, refreshToken: `rt-${number}` },
});

it('uses a token without an expiry until an API refuses it', async () => {
  const { queue, asked } = queueOf({ expiresAt: undefined }, [renewed(2)]);
  expect(await queue.accessToken('api1')).toEqual({ ok: true, accessToken: 'at-1' });
  expect(asked).toEqual([]);
  expect(await queue.accessToken('api1', 'at-1')).toEqual({ ok: true, accessToken: 'at-2' });
  expect(asked).toEqual(['rt-1']);
});

it('says after one time limit that no answer came, and lets the next call through', async () => {
  const stalled: TokenOutcome = { ok: false, problem: { kind: 'no_answer', timedOut: true } };
  const { queue, asked } = queueOf({ expiresAt: NOW }, [stalled], [renewed(2)]);
  const [first, next] = await Promise.all([queue.accessToken('api1'), queue.accessToken('api1')]);
  expect(first).toMatchObject({ ok: false, fault: 'unavailable', problem: { timedOut: true } });
  expect(next).toEqual({ ok: true, accessToken: 'at-2' });
  expect(asked).toEqual(['rt-1', 'silent']);
});

it('hands out nothing of an answer that was not accepted, and does not end the session for it', async () => {
  const wrong: TokenOutcome = { ok: false, problem: { kind: 'invalid_answer', detail: 'the ID token' } };
  const { queue } = queueOf({ expiresAt: NOW }, [wrong], [wrong]);
  expect(await queue.accessToken('api1')).toMatchObject({
    ok: false,
    fault: 'unavailable',
    problem: { kind: 'invalid_answer' },
  });
});
