import { type AccessTokenVerifier, parseActorChain, verifyAccessToken } from '@behalf/auth';
import { requireRecentAuthentication } from '@behalf/auth/express';
import { problem } from '@behalf/service';
import type { Express, RequestHandler } from 'express';

const AN_HOUR_SECONDS = 3600;

/**
 * Three routes that API1's experiments compare with the real ones: a read with a live check, which does nothing, one that
 * wants a recent sign-in and whose clock is an hour ahead, and a service that checks too little.
 */
export function addExperiments(
  api: Express,
  forTheUser: readonly RequestHandler[],
  stillLive: RequestHandler,
  verifier: AccessTokenVerifier,
): void {
  const anHourAhead = () => verifier.now() + AN_HOUR_SECONDS;
  const recentSignIn = requireRecentAuthentication({ maxAgeSeconds: 300, now: anHourAhead });
  api.get('/experiments/live-check', ...forTheUser, stillLive, (_request, response) => {
    response.json({ live: true });
  });
  api.get('/experiments/old-sign-in', ...forTheUser, recentSignIn, (_request, response) => {
    response.json({ recent: true });
  });
  api.get('/experiments/careless', careless(verifier));
}

/**
 * WRONG on purpose: checks signature, issuer and time of a token, and neither `aud` nor `act` (RFC 9068 §4 demands the
 * first), nor the proof of a bound token (RFC 9449 §7.1). It has no data, and tells only what it would have written into its log.
 */
function careless({ issuer, keySet, now }: AccessTokenVerifier): RequestHandler {
  return async (request, response) => {
    const [, jwt = ''] = /^(?:Bearer|DPoP) ([\w.~+/-]+=*)$/.exec(request.headers.authorization ?? '') ?? [];
    const verified = await verifyAccessToken(jwt, { issuer, key: keySet.find, now: now() });
    if (!verified.ok)
      throw problem({ status: 401, type: 'invalid-token', detail: 'The token is not genuine.' });
    const { subject, audience, act } = verified.token;
    const chain = parseActorChain(act);
    response.json({ log: { subject, actors: chain.ok ? chain.actors : [] }, audience });
  };
}
