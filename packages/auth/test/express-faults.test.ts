import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import {
  authOf,
  requireAccessToken,
  requireActor,
  requireClaim,
  requireClient,
  requireLiveToken,
  requireRecentAuthentication,
  requireScope,
  requireUser,
} from '../src/express.ts';
import { createTestIssuer } from '../src/testing.ts';
import { type AccessTokenVerifier, createAccessTokenVerifier } from '../src/verifier.ts';

const issuer = createTestIssuer();

const ISSUER = { issuer: issuer.issuer, audience: issuer.audience, jwks: issuer.jwks() };

const PROBLEMS = 'https://behalf.example/problems/';

describe('a middleware without requireAccessToken before it', () => {
  it('answers 500, and so does authOf', async () => {
    const unprotected = express();
    unprotected.get('/', requireScope('api'), (_req, res) => void res.json({}));
    unprotected.get('/caller', (req, res) => void res.json(authOf(req)));
    unprotected.use(((_error, _req, res, _next) => void res.status(500).end()) as ErrorRequestHandler);
    const answer = await request(unprotected).get('/').expect(500);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ type: `${PROBLEMS}not-protected`, status: 500 });
    await request(unprotected).get('/caller').expect(500);
  });

  it('does not take the req.auth of another library', async () => {
    const other = express();
    other.use((req, _res, next) => {
      Object.assign(req, { auth: { scopes: ['api'] } });
      next();
    });
    other.get('/', requireScope('api'), (_req, res) => void res.json({}));
    expect(await request(other).get('/')).toMatchObject({ status: 500 });
  });

  it.each<[string, RequestHandler]>([
    ['requireScope', requireScope('api')],
    ['requireActor', requireActor('api1.client')],
    ['requireClaim', requireClaim('amr', true)],
    ['requireUser', requireUser()],
    ['requireClient', requireClient()],
    ['requireRecentAuthentication', requireRecentAuthentication({ maxAgeSeconds: 1 })],
    ['requireLiveToken', requireLiveToken({ isLive: () => Promise.resolve(true) })],
  ])('never rejects, because Express 4 leaves a rejection unhandled: %s', async (_, handler) => {
    const outcomes: unknown[] = [];
    await withoutExpress(handler, outcomes);
    expect(outcomes).toEqual(['resolved', 500]);
  });
});

describe('an error inside a handler', () => {
  const failing = () => {
    throw new Error('no keys, no verdict');
  };
  const broken = (): AccessTokenVerifier => ({
    ...createAccessTokenVerifier(ISSUER),
    verify: () => Promise.reject(new Error('no keys, no verdict')),
  });

  it.each<[string, RequestHandler]>([
    ['a verifier that fails', requireAccessToken(broken())],
    ['a log that fails', requireAccessToken(broken(), { onRefused: failing })],
  ])('reaches the error handler, and no handler rejects (Express 4): %s', async (_, handler) => {
    const outcomes: unknown[] = [];
    await withoutExpress(handler, outcomes, { authorization: `Bearer ${issuer.mint()}` });
    expect(outcomes).toEqual([new Error('no keys, no verdict'), 'resolved']);
  });

  it('reaches the error handler from a rule for a claim, too', async () => {
    const claim = requireClaim('amr', failing);
    const rule = express();
    rule.use(requireAccessToken({ ...broken(), verify: createAccessTokenVerifier(ISSUER).verify }), claim);
    rule.use(
      ((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as ErrorRequestHandler,
    );
    const answer = await request(rule).get('/').set('Authorization', `Bearer ${issuer.mint()}`);
    expect([answer.status, answer.text]).toEqual([500, 'no keys, no verdict']);
  });
});

/** Runs a handler on a plain server, as Express 4 does: whatever it returns is only watched. */
async function withoutExpress(
  handler: RequestHandler,
  outcomes: unknown[],
  headers: Record<string, string> = {},
): Promise<void> {
  const plain = createServer((req, res) => {
    const next = (error?: unknown) => {
      outcomes.push(error);
      res.end();
    };
    const given = Object.assign(req, { originalUrl: req.url }) as unknown as express.Request;
    const returned: unknown = handler(given, res as unknown as express.Response, next);
    Promise.resolve(returned).then(
      () => outcomes.push('resolved'),
      () => outcomes.push('rejected'),
    );
  });
  await new Promise<void>((resolve) => void plain.listen(0, '127.0.0.1', resolve));
  const answer = await fetch(`http://127.0.0.1:${(plain.address() as AddressInfo).port}/`, { headers });
  if (answer.status !== 200) outcomes.push(answer.status);
  await answer.text();
  await new Promise((resolve) => plain.close(resolve));
}
