import { randomBytes } from 'node:crypto';
import { createAccessTokenVerifier } from '@behalf/auth';
import { backchannelLogout } from '@behalf/auth/express';
import { currentRequestId, type Logger } from '@behalf/service';
import { type Request, type Response, Router } from 'express';
import type { Adapter, Interaction, Provider } from 'oidc-provider';
import { pageErrors, sendPage } from '../interactions/routes.ts';
import { lifetimes } from '../lifetimes.ts';
import type { Revocation } from '../state/revocation.ts';
import { upstreamProblemPage } from './page.ts';
import type { People } from './people.ts';
import type { PendingSignIn, Upstream } from './upstream.ts';

/** Where the upstream sends browsers back to. */
export const UPSTREAM_CALLBACK = '/upstream/callback';

export interface FederationParts {
  readonly upstream: Upstream;
  readonly people: People;
  /** oidc-provider as it is now. */
  readonly provider: () => Provider;
  readonly revocation: Revocation;
  /** Keeps a sign-in that is under way, by its `state`. */
  readonly pendingSignIns: Adapter;
  readonly logger: Logger;
  /** Epoch seconds. */
  readonly now: () => number;
}

/** Signature algorithms of upstreams; each is asymmetric, so that nobody but the upstream can sign. */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA'];

/**
 * "Continue with NAME" on the sign-in page: to the upstream and back. The answer counts only in the browser that began,
 * once, and for the sign-in that it was begun for, because that has a cookie for its path.
 */
export function federationRoutes(parts: FederationParts): Router {
  const { upstream, people, provider, pendingSignIns, logger } = parts;
  const { issuer, clientId, name, createsUsers } = upstream.settings;
  const routes = Router({ caseSensitive: true, strict: true });

  routes.get('/interaction/:uid/upstream', async (request, response) => {
    const interaction = await provider().interactionDetails(request, response);
    const state = `${interaction.uid}.${randomBytes(32).toString('base64url')}`;
    try {
      const { url, pending } = await upstream.begin(interaction.uid, state, demandOf(interaction));
      await pendingSignIns.upsert(state, { ...pending }, lifetimes.upstreamRoundTripSeconds);
      response.set('Cache-Control', 'no-store').redirect(303, url);
    } catch (error) {
      fail(response, error, 'unavailable');
    }
  });

  routes.get(UPSTREAM_CALLBACK, (request, response) => {
    const query = new URLSearchParams(queryOf(request));
    const [, uid] = /^([\w-]{1,64})\.[\w-]{43}$/.exec(query.get('state') ?? '') ?? [];
    response.set('Cache-Control', 'no-store');
    if (uid === undefined) return sendPage(response, 400, upstreamProblemPage(name, 'failed'));
    response.redirect(303, `/interaction/${uid}${UPSTREAM_CALLBACK}?${query.toString()}`);
  });

  routes.get(`/interaction/:uid${UPSTREAM_CALLBACK}`, async (request, response) => {
    const interaction = await provider().interactionDetails(request, response);
    const state = new URLSearchParams(queryOf(request)).get('state') ?? '';
    const pending = (await pendingSignIns.find(state)) as unknown as PendingSignIn | undefined;
    if (pending?.uid !== interaction.uid) {
      return sendPage(response, 400, upstreamProblemPage(name, 'failed', retryOf(interaction)));
    }
    try {
      await pendingSignIns.consume(state);
      const identity = await upstream.complete(queryOf(request), state, pending);
      const user = createsUsers
        ? await people.findOrCreate(issuer, identity.subject, identity)
        : await people.find(issuer, identity.subject);
      if (user === undefined) {
        return sendPage(response, 403, upstreamProblemPage(name, { subject: identity.subject }));
      }
      await provider().interactionFinished(
        request,
        response,
        {
          login: {
            accountId: user.id,
            ts: identity.authTime,
            generation: user.generation,
            upstream: upstreamLoginOf(issuer, identity.sid),
            ...(identity.amr === undefined ? {} : { amr: [...identity.amr] }),
          },
        },
        { mergeWithLastSubmission: false },
      );
    } catch (error) {
      fail(response, error, 'failed', retryOf(interaction));
    }
  });

  routes.use('/interaction', pageErrors(logger));

  const { keySet } = createAccessTokenVerifier({ issuer, audience: clientId, algorithms: ALGORITHMS });
  routes.post(
    '/upstream/backchannel-logout',
    backchannelLogout({
      issuer,
      clientId,
      keySet,
      algorithms: ALGORITHMS,
      now: parts.now,
      async onLogout({ sid, sub }) {
        if (sid !== undefined) {
          return parts.revocation.endUpstreamLogins({ upstream: upstreamLoginOf(issuer, sid) });
        }
        const user = sub === undefined ? undefined : await people.find(issuer, sub);
        if (user !== undefined) await parts.revocation.endUpstreamLogins({ issuer, subject: user.id });
      },
    }),
  );
  return routes;

  function fail(response: Response, error: unknown, problem: 'failed' | 'unavailable', retry?: string): void {
    logger.warn({ request_id: currentRequestId(), err: error }, 'a sign-in at the upstream came to nothing');
    sendPage(response, problem === 'failed' ? 400 : 503, upstreamProblemPage(name, problem, retry));
  }
}

/** `max_age` and `prompt=login` are passed on (OpenID Connect Core §3.1.2.1). */
function demandOf({ params }: Interaction) {
  const maxAge = Number(params['max_age'] ?? Number.NaN);
  const prompts = typeof params['prompt'] === 'string' ? params['prompt'].split(' ') : [];
  return { isFresh: prompts.includes('login'), ...(Number.isInteger(maxAge) ? { maxAge } : {}) };
}

/** How a login's row names the session at the upstream; with an empty `sid` that of an upstream that names none. */
export function upstreamLoginOf(issuer: string, sid: string | undefined): string {
  return `${issuer}#${sid ?? ''}`;
}

function retryOf({ uid }: Interaction): string {
  return `/interaction/${uid}`;
}

function queryOf({ originalUrl }: Request): string {
  const start = originalUrl.indexOf('?');
  return start === -1 ? '' : originalUrl.slice(start + 1);
}
