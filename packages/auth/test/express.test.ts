import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  authOf,
  protectedResourceMetadata,
  type RefusedRequest,
  requireAccessToken,
  requireActor,
  requireClaim,
  requireClient,
  requireRecentAuthentication,
  requireScope,
  requireUser,
} from '../src/express.ts';
import { badTokens, createTestIssuer, type TestIssuerServer, MALFORMED_TOKENS } from '../src/testing.ts';
import * as guard from '../src/guard.ts';
import type { RequestAuth } from '../src/guard.ts';
import * as recentAuthentication from '../src/recent-authentication.ts';
import { createAccessTokenVerifier } from '../src/verifier.ts';

const issuer = createTestIssuer();

const METADATA = 'https://api.example/.well-known/oauth-protected-resource';

const PROBLEMS = 'https://behalf.example/problems/';

let server: TestIssuerServer;

let app: express.Express;

let refusals: RefusedRequest[];

beforeEach(async () => {
  server = await issuer.listen();
  refusals = [];
  const { audience } = issuer;
  const verifier = createAccessTokenVerifier({ issuer: issuer.issuer, audience, jwksUri: server.jwksUri });
  const whoami: RequestHandler = (req, res) => void res.json(authOf(req));
  const ok: RequestHandler = (_req, res) => void res.json({ ok: true });
  app = express();
  app.use(
    protectedResourceMetadata({
      resource: audience,
      authorizationServers: [issuer.issuer],
      scopes: ['api', 'more'],
    }),
  );
  app.use(requireAccessToken(verifier, { onRefused: (refused) => refusals.push(refused) }));
  app.get('/whoami', whoami);
  app.post('/whoami', whoami);
  app.get('/scoped', requireScope('api', 'more'), ok);
  app.get('/acted', requireActor('api1.client', 'api9.client'), ok);
  app.get('/user', requireUser(), ok);
  app.get('/client', requireClient(), ok);
  app.get('/recent', requireRecentAuthentication({ maxAgeSeconds: 300 }), ok);
  app.get('/premium', requireClaim(['subscription', 'status'], 'active'), ok);
  app.get(
    '/ruled',
    requireClaim('amr', (amr) => Array.isArray(amr) && amr.includes('otp')),
    ok,
  );
  const lastResort: ErrorRequestHandler = (error: unknown, _req, res, _next) =>
    void res.status(500).send(String(error));
  app.use(lastResort);
});

afterEach(() => server.close());

const get = (path: string, jwt: string) => request(app).get(path).set('Authorization', `Bearer ${jwt}`);

describe('requireAccessToken', () => {
  it('says who calls', async () => {
    const jwt = issuer.mint({
      scope: 'api more',
      act: { sub: 'api2.client', act: { sub: 'api1.client' } },
      jti: 'j',
    });
    const { body } = await get('/whoami', jwt).expect(200);
    expect(body).toMatchObject({
      sub: 'user-1',
      clientId: 'web.client',
      scopes: ['api', 'more'],
      actor: 'api2.client',
      actorChain: ['api2.client', 'api1.client'],
      sessionId: 'session-1',
      jti: 'j',
      claims: { amr: ['pwd'] },
    });
  });

  it('keeps the token out of what is made of req.auth', async () => {
    const { body } = await get('/whoami', issuer.mint()).expect(200);
    expect(body).not.toHaveProperty('token');
  });

  it('asks for a token without an error code when none was sent (RFC 6750 §3.1, RFC 9728 §5.1)', async () => {
    const answer = await request(app).get('/whoami').expect(401);
    expect(answer.headers['www-authenticate']).toBe(`Bearer resource_metadata="${METADATA}"`);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}missing-token`, status: 401 });
  });

  it.each(['Basic dXNlcjpwYXNz', 'DPoP eyJhbGciOiJFUzI1NiJ9.e30.c2ln'])(
    'does not take %s (RFC 6750 §3.1)',
    async (header) => {
      const answer = await request(app).get('/whoami').set('Authorization', header).expect(401);
      expect(answer.headers['www-authenticate']).toBe(`Bearer resource_metadata="${METADATA}"`);
    },
  );

  it.each(badTokens(issuer, { audience: issuer.audience }))(
    'answers 401 invalid_token to $name ($section)',
    async ({ token }) => {
      const answer = await get('/whoami', token).expect(401);
      expect(answer.headers['www-authenticate']).toMatch(
        /^Bearer error="invalid_token", error_description="[^"]+", resource_metadata="[^"]+"$/,
      );
      expect(answer.body).toMatchObject({ type: `${PROBLEMS}invalid-token`, status: 401 });
      expect(answer.text).not.toContain(token);
    },
  );

  it.each(MALFORMED_TOKENS)('answers 401 invalid_token to Bearer %j (RFC 6750 §3.1)', async (value) => {
    const answer = await request(app).get('/whoami').set('Authorization', `Bearer ${value}`).expect(401);
    expect(answer.headers['www-authenticate']).toMatch(/error="invalid_token".*resource_metadata=/);
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}invalid-token`, status: 401 });
  });

  it('answers 400 to an Authorization header that it cannot read (RFC 6750 §3.1)', async () => {
    const answer = await request(app).get('/whoami').set('Authorization', '"Bearer" abc').expect(400);
    expect(answer.headers['www-authenticate']).toMatch(/error="invalid_request".*resource_metadata=/);
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}invalid-request`, status: 400 });
  });

  it('answers 400 to two Authorization headers (RFC 6750 §3.1)', async () => {
    const twice = [`Bearer ${issuer.mint()}`, `Bearer ${issuer.mint()}`] as unknown as string;
    const answer = await request(app).get('/whoami').set('Authorization', twice);
    expect(answer.status).toBe(400);
  });

  it('takes no token from the query or the body (RFC 9700 §4.3.2)', async () => {
    const jwt = issuer.mint();
    const answers = [
      await request(app).get('/whoami').query({ access_token: jwt }),
      await request(app).post('/whoami').type('form').send({ access_token: jwt }),
      await get(`/whoami?access_token=${jwt}`, jwt),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 400]);
  });

  it('answers 503 with Retry-After while the keys cannot be had, never a verdict', async () => {
    server.failWith({ status: 500, body: {}, headers: { 'retry-after': '9' } });
    const answer = await get('/whoami', issuer.mint()).expect(503);
    expect(answer.headers['retry-after']).toBe('9');
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}token-check-unavailable`, status: 503 });
  });

  it('reports a refusal to the log more finely than to the caller, and without the token', async () => {
    const jwt = issuer.mint({ aud: 'https://elsewhere.example' });
    await get('/whoami', jwt).expect(401);
    expect(refusals).toEqual([{ status: 401, type: 'invalid-token', detail: 'wrong_audience' }]);
  });
});

describe('requireScope', () => {
  it('lets a token with all scopes through', async () => {
    expect(await get('/scoped', issuer.mint({ scope: 'more other api' }))).toMatchObject({ status: 200 });
  });

  it.each(['api', 'more', '', 'api more2', 'API more', 'apimore'])(
    'answers 403 to scope %j, and says what is needed (RFC 6750 §3.1)',
    async (scope) => {
      const answer = await get('/scoped', issuer.mint({ scope })).expect(403);
      expect(answer.headers['www-authenticate']).toBe(
        `Bearer error="insufficient_scope", scope="api more", resource_metadata="${METADATA}"`,
      );
      expect(answer.body).toMatchObject({
        type: `${PROBLEMS}insufficient-scope`,
        status: 403,
        scope: 'api more',
      });
    },
  );
});

describe('requireUser and requireClient', () => {
  const NO_LOGIN = { sid: undefined, auth_time: undefined, amr: undefined };
  const clientToken = { sub: 'machine.client', client_id: 'machine.client', ...NO_LOGIN };
  const delegatedClientToken = { ...clientToken, client_id: 'api1.client', act: { sub: 'api1.client' } };

  it.each([
    ['a user', {}, 'user'],
    ['a user for whom a client acts', { client_id: 'api1.client', act: { sub: 'api1.client' } }, 'user'],
    ['a client', clientToken, 'client'],
    ['a client that says it has a login', { ...clientToken, sid: 'session-1' }, 'client'],
    ['a client for which another one acts', delegatedClientToken, 'client'],
  ])('tell the token of %s from the other kind', async (_, claims, kind) => {
    const other = kind === 'user' ? 'client' : 'user';
    await get(`/${kind}`, issuer.mint(claims)).expect(200);
    const answer = await get(`/${other}`, issuer.mint(claims)).expect(403);
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}wrong-subject`, status: 403 });
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer error="insufficient_scope".*resource_metadata=/,
    );
  });
});

describe('requireRecentAuthentication', () => {
  const signedIn = (secondsAgo: number) => issuer.mint({ auth_time: issuer.now() - secondsAgo });

  it('lets a recent sign-in through, and tells when it was', async () => {
    await get('/recent', signedIn(200)).expect(200);
    const authTime = issuer.now() - 200;
    expect(await get('/whoami', issuer.mint({ auth_time: authTime }))).toMatchObject({ body: { authTime } });
  });

  it.each([
    ['an older one', () => signedIn(400)],
    ['one in the future', () => signedIn(-60)],
    ['none at all', () => issuer.mint({ auth_time: undefined })],
  ])('answers 401 insufficient_user_authentication with max_age to %s (RFC 9470 §3)', async (_, mint) => {
    const answer = await get('/recent', mint()).expect(401);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_user_authentication", ' +
        'error_description="This needs a sign-in that is at most 300 seconds old.", ' +
        `max_age="300", resource_metadata="${METADATA}"`,
    );
    expect(answer.body).toMatchObject({
      type: `${PROBLEMS}recent-authentication-required`,
      status: 401,
      max_age: 300,
    });
  });

  it('counts to the second', () => {
    const auth = { authTime: 1000 } as RequestAuth;
    const check = recentAuthentication.requireRecentAuthentication({ maxAgeSeconds: 300 });
    const at = (now: number) => check(auth, { now: () => now, resourceMetadata: METADATA }, 'GET');
    expect([at(1300), at(995)]).toEqual([undefined, undefined]);
    expect([at(1301), at(994)]).toMatchObject([{ status: 401 }, { status: 401 }]);
  });
});

describe('requireActor', () => {
  it.each([{ sub: 'api1.client' }, { sub: 'api9.client', act: { sub: 'whoever' } }])(
    'lets the current actor %j through',
    async (act) => {
      expect(await get('/acted', issuer.mint({ act }))).toMatchObject({ status: 200 });
    },
  );

  it.each([undefined, { sub: 'api2.client' }, { sub: 'api2.client', act: { sub: 'api1.client' } }])(
    'answers 403 with a problem of its own to act %j (RFC 8693 §4.1)',
    async (act) => {
      const answer = await get('/acted', issuer.mint({ act })).expect(403);
      expect(answer.headers['www-authenticate']).toMatch(
        /^Bearer error="insufficient_scope".*resource_metadata=/,
      );
      expect(answer.body).toMatchObject({ type: `${PROBLEMS}wrong-actor`, status: 403 });
    },
  );
});

describe('requireClaim', () => {
  it('lets the wanted value through', async () => {
    expect(await get('/premium', issuer.mint({ subscription: { status: 'active' } }))).toMatchObject({
      status: 200,
    });
    expect(await get('/ruled', issuer.mint({ amr: ['pwd', 'otp'] }))).toMatchObject({ status: 200 });
  });

  it.each([undefined, null, 'active', ['active'], {}, { status: 'lapsed' }, { status: ['active'] }])(
    'answers 403 to %j',
    async (subscription) => {
      const answer = await get('/premium', issuer.mint({ subscription })).expect(403);
      expect(answer.body).toMatchObject({ type: `${PROBLEMS}claim-required`, claim: 'subscription.status' });
      expect(answer.headers['www-authenticate']).toMatch(/error="insufficient_scope"/);
    },
  );

  it('answers 403 to a rule that gives a promise: only true passes', async () => {
    const rule = () => Promise.resolve(false) as unknown as boolean;
    const check = guard.requireClaim('amr', rule);
    const auth = { claims: {} } as RequestAuth;
    expect(check(auth, { now: () => 0, resourceMetadata: METADATA }, 'GET')).toMatchObject({ status: 403 });
  });

  it('answers 403 where a rule does not hold, or has no claim to hold for', async () => {
    expect(await get('/ruled', issuer.mint({ amr: ['pwd'] }))).toMatchObject({ status: 403 });
    expect(await get('/ruled', issuer.mint({ amr: undefined }))).toMatchObject({ status: 403 });
  });
});

describe('protectedResourceMetadata', () => {
  it('is served to anyone at its well-known place (RFC 9728 §3)', async () => {
    const answer = await request(app).get('/.well-known/oauth-protected-resource').expect(200);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.body).toEqual({
      resource: issuer.audience,
      authorization_servers: [issuer.issuer],
      scopes_supported: ['api', 'more'],
      bearer_methods_supported: ['header'],
    });
  });

  it('names what an API has none of not at all (RFC 9728 §3.2)', async () => {
    const bare = express().use(
      protectedResourceMetadata({ resource: issuer.audience, authorizationServers: [], scopes: [] }),
    );
    const answer = await request(bare).get('/.well-known/oauth-protected-resource').expect(200);
    expect(answer.body).toEqual({ resource: issuer.audience, bearer_methods_supported: ['header'] });
  });
});
