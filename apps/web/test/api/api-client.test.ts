import { afterEach, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  ApiClient,
  ApiError,
  NoAnswer,
  UnexpectedAnswer,
  wantedSignInAge,
} from '../../src/api/api-client.ts';
import { numberedTokens, startHttpServices, type Answer, type HttpServices } from '../support/services.ts';

let services: HttpServices | undefined;
afterEach(() => services?.close());

async function clientOf(answer: (route: string) => Answer) {
  services = await startHttpServices(answer);
  const client = new ApiClient({ baseUrl: services.url, resource: 'r', tokens: numberedTokens() });
  return { client, asked: services.asked };
}

it('sends the token that is held', async () => {
  const { client, asked } = await clientOf(() => ({ body: {} }));
  await client.send('/identity');
  await client.send('/identity');
  expect(asked.map(({ token }) => token)).toEqual(['token-1', 'token-1']);
});

it('asks once more with another token after a 401, and no third time', async () => {
  const { client, asked } = await clientOf(() => ({ status: 401 }));
  await expect(client.send('/identity')).rejects.toBeInstanceOf(ApiError);
  expect(asked.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
});

it('sends nothing more when the API wants a recent sign-in, because a new token tells the same one (RFC 9470 §3)', async () => {
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
  const { client, asked } = await clientOf(() => ({ status: 401, challenge }));
  await expect(client.send('/payments')).rejects.toMatchObject({ status: 401, challenge });
  expect(asked).toHaveLength(1);
});

it.each([
  ['Bearer error="insufficient_user_authentication", max_age="300", resource_metadata="x"', 300],
  ['DPoP error="insufficient_user_authentication", max_age=60, algs="ES256"', 60],
  ['Bearer error="insufficient_user_authentication", acr_values="phr"', undefined],
  ['Bearer error="invalid_token", max_age="300"', undefined],
  [undefined, undefined],
])('reads from the challenge %s how old a sign-in may be: %s', (challenge, age) => {
  expect(wantedSignInAge(challenge)).toBe(age);
});

it('sends a token that no service has seen when that is asked for', async () => {
  const { client, asked } = await clientOf(() => ({ body: {} }));
  await client.send('/chain');
  await client.send('/chain', { fresh: true });
  expect(asked.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
});

it('tells a refusal with its problem (RFC 9457), a wrong form and no answer apart', async () => {
  const { client } = await clientOf((route) =>
    route === 'GET /refused' ? { status: 403, body: { detail: 'no', reason: 'policy' } } : { body: {} },
  );
  await expect(client.send('/refused')).rejects.toMatchObject({ status: 403, problem: { reason: 'policy' } });
  await expect(client.read(z.object({ a: z.string() }), '/x')).rejects.toBeInstanceOf(UnexpectedAnswer);
  await services?.close();
  await expect(client.send('/gone')).rejects.toBeInstanceOf(NoAnswer);
});
