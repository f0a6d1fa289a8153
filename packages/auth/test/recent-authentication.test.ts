import express, { type Express } from 'express';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDelegationClient, type DelegationClient } from '../src/delegation-client.ts';
import {
  authOf,
  delegationProblems,
  requireAccessToken,
  requireRecentAuthentication,
} from '../src/express.ts';
import { RecentAuthenticationRequiredError } from '../src/recent-authentication.ts';
import { createTestIssuer, type TestIssuerServer } from '../src/testing.ts';
import { createAccessTokenVerifier } from '../src/verifier.ts';

const issuer = createTestIssuer({ audience: 'https://front.example' });

const apis = ['https://front.example', 'https://middle.example', 'https://back.example'] as const;

let server: TestIssuerServer;
let client: DelegationClient;

beforeEach(async () => {
  server = await issuer.listen();
  server.onToken(() => ({
    status: 200,
    body: { access_token: 'next', token_type: 'Bearer', expires_in: 300 },
  }));
  client = createDelegationClient({
    issuer: issuer.issuer,
    address: server.address,
    clientId: 'middle.client',
    clientSecret: 'a secret',
  });
});

afterEach(() => server.close());

const tokenRequests = () => server.requests.filter((path) => path === '/connect/token').length;

describe('a challenge for a recent sign-in (RFC 9470 §3)', () => {
  const verifierOf = (audience: string) =>
    createAccessTokenVerifier({ issuer: issuer.issuer, audience, jwksUri: server.jwksUri });

  /** The last API wants a recent sign-in; each of the others calls the next one on the user's behalf. */
  function createChain(): Express {
    const [, ...behind] = apis;
    const last = express();
    last.get(
      '/',
      requireAccessToken(verifierOf(apis[2])),
      requireRecentAuthentication({ maxAgeSeconds: 300 }),
    );
    return behind.reduceRight((next, audience, index) => {
      const api = express();
      api.get('/', requireAccessToken(verifierOf(apis[index] ?? '')), async (req, res) => {
        const source = () => client.exchange({ subjectToken: authOf(req), audience });
        const answer = await client.withToken(source, ({ accessToken }) =>
          request(next).get('/').set('Authorization', `Bearer ${accessToken}`),
        );
        res.status(answer.status).json({});
      });
      api.use(delegationProblems());
      return api;
    }, last);
  }

  it('goes up through every middle tier, in the name and with the metadata of each', async () => {
    server.onToken((form) => {
      const [, payload = ''] = (form.get('subject_token') ?? '').split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
      const access_token = issuer.mint({ ...claims, aud: form.get('audience') });
      return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: 300 } };
    });
    const old = issuer.mint({ auth_time: issuer.now() - 301 });
    const answer = await request(createChain()).get('/').set('Authorization', `Bearer ${old}`);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", ' +
        'error_description="This needs a sign-in that is at most 300 seconds old.", max_age="300", ' +
        'resource_metadata="https://front.example/.well-known/oauth-protected-resource"',
    );
    expect(answer.body).toMatchObject({
      type: 'https://behalf.example/problems/recent-authentication-required',
      max_age: 300,
    });
    expect(tokenRequests(), 'no other token of the same sign-in is asked for').toBe(2);
  });

  const BEARER = 'Bearer error="insufficient_user_authentication"';

  it.each([
    ['max_age', `${BEARER}, max_age="300"`, { maxAgeSeconds: 300 }],
    ['a bare value', 'bearer error=insufficient_user_authentication, max_age=60', { maxAgeSeconds: 60 }],
    ['acr_values', `${BEARER}, acr_values="phr phrh"`, { maxAgeSeconds: undefined, acrValues: 'phr phrh' }],
    ['a malformed max_age', `${BEARER}, max_age="soon"`, { maxAgeSeconds: undefined }],
    ['a challenge after another', ['Basic realm="x"', `${BEARER}, max_age="1"`], { maxAgeSeconds: 1 }],
  ])('is thrown by withToken with %s', async (_, challenge, wanted) => {
    const answer = { status: 401, headers: { 'www-authenticate': challenge } };
    const call = client.withToken(
      () => client.delegate({ token: 'T' }),
      () => Promise.resolve(answer),
    );
    await expect(call).rejects.toBeInstanceOf(RecentAuthenticationRequiredError);
    await expect(call).rejects.toMatchObject(wanted);
    expect(tokenRequests()).toBe(1);
  });

  it('is thrown also when only the second token meets it, and its body is let go', async () => {
    const answers = [
      new Response('{}', { status: 401 }),
      new Response('{}', { status: 401, headers: { 'www-authenticate': `${BEARER}, max_age="300"` } }),
    ];
    const left = [...answers];
    const call = client.withToken(
      () => client.delegate({ token: 'T' }),
      async () => left.shift() as Response,
    );
    await expect(call).rejects.toMatchObject({ maxAgeSeconds: 300 });
    for (const answer of answers) expect(answer.bodyUsed).toBe(true);
  });

  it.each([
    ['another error', { 'www-authenticate': 'Bearer error="invalid_token", max_age="300"' }],
    [
      'its words in a description',
      { 'www-authenticate': 'Bearer error_description="error=insufficient_user_authentication"' },
    ],
    ['no challenge', {}],
    ['no headers', undefined],
  ])('is not read from %s', async (_, headers) => {
    const answer = { status: 401, headers };
    const call = client.withToken(
      () => client.delegate({ token: 'T' }),
      () => Promise.resolve(answer),
    );
    await expect(call).resolves.toBe(answer);
    expect(tokenRequests()).toBe(2);
  });
});
