import {
  type DelegatedToken,
  type DelegationClient,
  DelegationError,
  type DpopKey,
  generateDpopKey,
} from '@behalf/auth';
import { authOf } from '@behalf/auth/express';
import { jsonOf, problem, type Upstream, type UpstreamAnswer } from '@behalf/service';
import type { Express, RequestHandler } from 'express';

export interface ExperimentDependencies {
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
  /** Epoch seconds. */
  readonly now: () => number;
}

/**
 * Each experiment breaks a rule on purpose. It runs against the real services, takes no input but its name, and uses only
 * the caller's own tokens.
 */
export function addExperiments(
  api: Express,
  forTheUser: readonly RequestHandler[],
  showSteps: RequestHandler,
  { delegation, upstream, now }: ExperimentDependencies,
): void {
  const experiments = [
    forwardedToken,
    oneScopeTooMany,
    tokenOfSomeoneElse,
    splicedChains,
    stolenToken,
    oldSignIn,
    carelessService,
    createAfterLogout(now),
  ];
  api.get('/experiments', ...forTheUser, (_request, response) => {
    response.json({ experiments: experiments.map(({ name }) => name) });
  });
  for (const { name, run } of experiments) {
    api.get(`/experiments/${name}`, showSteps, ...forTheUser, async (request, response) => {
      const { token, sessionId } = authOf(request);
      response.json(await run({ token, sessionId, delegation, upstream }));
    });
  }
}

/** All that an experiment may use. */
interface ExperimentContext {
  /** The user's token, as it came. */
  readonly token: string;
  /** The login session behind it; undefined for a token without a user. */
  readonly sessionId: string | undefined;
  readonly delegation: DelegationClient;
  /** API2. */
  readonly upstream: Upstream;
}

/** Throws only when a service does not answer, or when a step before the broken rule fails. */
interface Experiment {
  readonly name: string;
  run(context: ExperimentContext): Promise<Readonly<Record<string, unknown>>>;
}

interface Refusal {
  readonly status: number | null;
  readonly error: string | null;
  readonly reason: string | null;
  /** Never told here: `error_description` is for this client alone. */
  readonly description: null;
}

/** How the STS refused; null when it did not. Throws when it gave no answer. */
async function refusalOf(exchange: Promise<unknown>): Promise<Refusal | null> {
  try {
    await exchange;
    return null;
  } catch (error) {
    if (!(error instanceof DelegationError) || error.kind === 'unavailable') throw error;
    const { status = null, error: code = null, reason = null } = error;
    return { status, error: code, reason, description: null };
  }
}

/** The outcome of a call: its problem when it was refused, never the data of a success. */
function callOutcome(answer: UpstreamAnswer) {
  const { status, headers } = answer;
  return {
    status,
    challenge: headers['www-authenticate'] ?? null,
    problem: status < 400 ? null : (jsonOf(answer) ?? null),
  };
}

const KEPT_SECONDS = 120;

const MAXIMUM_KEPT = 100;

/**
 * Called twice. The first call obtains a token and keeps it for this login session; logout does not reach it, as it would
 * not reach a thief's copy. The second call, after the session has ended, uses the token where it is checked offline and
 * where the STS is asked, and forgets it. `now` gives epoch seconds.
 */
function createAfterLogout(now: () => number): Experiment {
  const kept = createKeptTokens(now);
  return {
    name: 'after-logout',
    async run(context) {
      const { sessionId } = context;
      if (sessionId === undefined) throw noSession();
      const token = kept.take(sessionId);
      if (token !== undefined) return { state: 'done', ...(await useOldToken(token, context)) };
      const copy = await obtain(context);
      kept.keep(sessionId, copy);
      return { state: 'ready', expires_at: copy.expiresAt, kept_until: now() + KEPT_SECONDS };
    },
  };
}

async function useOldToken({ accessToken, prove }: DelegatedToken, context: ExperimentContext) {
  const { upstream } = context;
  const offline = await upstream.send({ path: '/accounts', accessToken, prove });
  const live = await upstream.send({ path: '/experiments/live-check', accessToken, prove });
  return {
    offline: callOutcome(offline),
    live: callOutcome(live),
    exchange: { refused: await refusalOf(obtain(context)) },
  };
}

/** Without the cache, because a logout empties it. */
function obtain({ token, delegation }: ExperimentContext) {
  return delegation.requestCustomGrant('delegation', { token, scope: 'api2' }, { cache: false });
}

/** One token per login session, for 120 s; the oldest makes room. */
function createKeptTokens(now: () => number) {
  const tokens = new Map<string, { readonly token: DelegatedToken; readonly until: number }>();
  const dropOld = () => {
    for (const [session, { until }] of tokens)
      if (until <= now() || tokens.size >= MAXIMUM_KEPT) tokens.delete(session);
  };
  return {
    keep(sessionId: string, token: DelegatedToken): void {
      dropOld();
      tokens.set(sessionId, { token, until: now() + KEPT_SECONDS });
    },
    /** The session's token, at most once. */
    take(sessionId: string): DelegatedToken | undefined {
      const entry = tokens.get(sessionId);
      tokens.delete(sessionId);
      return entry !== undefined && entry.until > now() ? entry.token : undefined;
    },
  };
}

function noSession() {
  return problem({
    status: 403,
    type: 'no-session',
    title: 'No login session',
    detail: 'The access token belongs to no login session that could end.',
  });
}

/** "Poor man's delegation": forwards the user's own token to API2, which refuses it, and then uses a delegated one. */
const forwardedToken: Experiment = {
  name: 'forwarded-token',
  async run({ token, delegation, upstream }) {
    const forwarded = await upstream.send({ path: '/accounts', accessToken: token });
    const delegated = await delegation.withToken(
      () => delegation.delegate({ token, scopes: ['api2'] }),
      ({ accessToken, prove }) => upstream.send({ path: '/accounts', accessToken, prove }),
    );
    return { forwarded: callOutcome(forwarded), delegated: { status: delegated.status } };
  },
};

/**
 * Sends both tokens to a service that does not check `aud`. It takes both, and only the delegated one tells it that API1 acts.
 */
const carelessService: Experiment = {
  name: 'careless-service',
  async run({ token, delegation, upstream }) {
    const send = async (sent: Pick<DelegatedToken, 'accessToken' | 'prove'>) => {
      const answer = await upstream.send({
        path: '/experiments/careless',
        accessToken: sent.accessToken,
        prove: sent.prove,
      });
      return { ...callOutcome(answer), seen: answer.status === 200 ? (jsonOf(answer) ?? null) : null };
    };
    const forwarded = await send({ accessToken: token });
    const delegated = await delegation.delegate({ token, scopes: ['api2'] });
    return { forwarded, delegated: await send(delegated) };
  },
};

/** Asks for a scope that the policy allows and for one that it does not: the whole request is refused. */
const oneScopeTooMany: Experiment = {
  name: 'one-scope-too-many',
  run: async ({ token, delegation }) => ({
    refused: await refusalOf(delegation.delegate({ token, scopes: ['api2', 'api2.premium'] })),
  }),
};

/** Takes the subject from one chain and the actor from another: an actor token must be the client's own. */
const splicedChains: Experiment = {
  name: 'spliced-chains',
  async run({ token, delegation }) {
    const { accessToken } = await delegation.delegate({ token, scopes: ['api2'] });
    return {
      refused: await refusalOf(
        delegation.exchange({ subjectToken: token, actorToken: accessToken, scopes: ['api2'] }),
      ),
    };
  },
};

/**
 * Obtains a bearer token and one that is bound to a key (RFC 9449), and uses a copy of each at API2 without that key. The STS
 * gives no bearer token for a user's token that is bound itself.
 */
const stolenToken: Experiment = {
  name: 'stolen-token',
  async run({ token, delegation, upstream }) {
    const obtainWith = (dpopKey: DpopKey | 'none') =>
      delegation.requestCustomGrant('delegation', { token, scope: 'api2' }, { cache: false, dpopKey });
    const useCopyOf = async (obtained: Promise<DelegatedToken>) => {
      const { accessToken } = await obtained;
      return callOutcome(await upstream.send({ path: '/accounts', accessToken }));
    };
    const bearer = obtainWith('none');
    const refused = await refusalOf(bearer);
    return {
      bearer: refused === null ? { call: await useCopyOf(bearer) } : { refused },
      bound: { call: await useCopyOf(obtainWith(await generateDpopKey())) },
    };
  },
};

/** Calls API2 where it wants a recent sign-in and has its clock an hour ahead. The refusal goes up to this service's caller. */
const oldSignIn: Experiment = {
  name: 'old-sign-in',
  async run({ token, delegation, upstream }) {
    const { status } = await delegation.withToken(
      () => delegation.delegate({ token, scopes: ['api2'] }),
      ({ accessToken, prove }) => upstream.send({ path: '/experiments/old-sign-in', accessToken, prove }),
    );
    return { status };
  },
};

/** Presents a token for API2 as a subject token of this service (RFC 8693 §2.1). */
const tokenOfSomeoneElse: Experiment = {
  name: 'token-of-someone-else',
  async run({ token, delegation }) {
    const { accessToken } = await delegation.delegate({ token, scopes: ['api2'] });
    return { refused: await refusalOf(delegation.delegate({ token: accessToken, scopes: ['api2'] })) };
  },
};
