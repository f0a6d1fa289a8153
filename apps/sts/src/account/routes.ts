import type { AccessTokenVerifier, LiveTokenCheck, ReplayStore } from '@behalf/auth';
import { authOf, requireAccessToken, requireLiveToken, requireScope } from '@behalf/auth/express';
import { allowOnly, apiHeaders, problem } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { TokenLedger } from '../state/ledger.ts';
import type { LedgerQueries } from '../state/queries.ts';
import type { Revocation } from '../state/revocation.ts';
import { isStorable } from '../state/schema.ts';

export interface AccountParts {
  /** For tokens whose audience is the issuer itself. */
  readonly verifier: AccessTokenVerifier;
  readonly ledger: TokenLedger;
  readonly queries: LedgerQueries;
  readonly revocation: Revocation;
  /** Used DPoP proofs, for all replicas. */
  readonly replays: Pick<ReplayStore, 'consume'>;
  /** Epoch seconds. */
  readonly now: () => number;
}

const PAGE = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().min(1).max(512).optional(),
});

/** A user's own delegations and sessions: who acted for them, and where they are signed in. They may end each. */
export function accountRoutes({ verifier, ledger, queries, revocation, replays, now }: AccountParts): Router {
  // The ledger is at hand, so a token that was revoked or whose session has ended is refused at once.
  const liveTokens: LiveTokenCheck = {
    isLive: async ({ jti }) => (await ledger.statusOf(jti, now())).active,
    forgetSession: () => undefined,
    forgetSubject: () => undefined,
  };
  const routes = Router({ caseSensitive: true, strict: true });
  routes.use(
    apiHeaders,
    requireAccessToken(verifier, { dpop: { replays } }),
    requireScope('account'),
    requireLiveToken(liveTokens),
    requireNoActor,
  );

  routes.get('/delegations', async (request, response) => {
    const query = PAGE.safeParse(request.query);
    if (!query.success) throw badPage();
    const { limit, cursor } = query.data;
    const { sub } = authOf(request);
    const page = await queries.delegationsOf(sub, { limit, ...(cursor === undefined ? {} : { cursor }) });
    if (page === null) throw badPage();
    response.json({ delegations: page.rows, next: page.next });
  });
  routes.all('/delegations', allowOnly('GET'));

  routes.delete('/delegations/:jti', async (request, response) => {
    const { jti } = request.params;
    if (!isStorable(jti) || !(await revocation.revokeDelegation(jti, authOf(request).sub))) throw notFound();
    response.status(204).end();
  });
  routes.all('/delegations/:jti', allowOnly('DELETE'));

  routes.get('/sessions', async (request, response) => {
    const { sub, sessionId } = authOf(request);
    response.json({ sessions: await queries.sessionsOf(sub, sessionId), next: null });
  });
  routes.all('/sessions', allowOnly('GET'));

  routes.delete('/sessions/:id', async (request, response) => {
    const { sub: subject } = authOf(request);
    const { id } = request.params;
    if (!isStorable(id) || !(await revocation.endSession(id, { subject }))) throw notFound();
    response.status(204).end();
  });
  routes.all('/sessions/:id', allowOnly('DELETE'));

  return routes;
}

/** Delegated tokens are refused: a user decides here about those who act for them. */
const requireNoActor: RequestHandler = (request, _response, next) => {
  if (authOf(request).actor === undefined) return next();
  next(problem({ status: 403, type: 'wrong-actor', detail: 'Only the user in person may use this.' }));
};

function badPage() {
  return problem({
    status: 400,
    type: 'invalid-request',
    detail: 'limit is 1 to 100, cursor is one that this list gave.',
  });
}

/** The same answer for a row that does not exist and for one of another user. */
function notFound() {
  return problem({ status: 404, type: 'not-found', detail: 'You have nothing of that name.' });
}
