import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Client, Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Page } from '../interactions/page.ts';
import {
  changeUserPage,
  errorPage,
  foreignFormPage,
  signedOutPage,
  signOutPage,
  staysSignedInPage,
} from '../interactions/pages.ts';
import { lifetimes } from '../lifetimes.ts';
import { sameDigest, sessionIdOf } from '../state/schema.ts';
import type { State } from '../state/state.ts';
import { isSameOrigin } from './edge.ts';
import { answerWithPage, formPostOf, targetsOf } from './pages.ts';
import { ENDPOINTS, type RouteMiddleware } from './routes.ts';

const CONFIRM = `${ENDPOINTS.end_session}/confirm`;

/** How long the question may stand unanswered. */
const QUESTION_SECONDS = lifetimes.interactionSeconds;

/** The form of the question carries this, with a MAC, so that nothing is stored until it is answered. */
interface SignOut {
  /** The `sid` of the login session that is to end. */
  readonly session: string;
  readonly clientId?: string | undefined;
  /** Where the browser goes afterwards: checked against the client's registration, or an address of ours. */
  readonly returnTo?: string | undefined;
  readonly expiresAt: number;
}

/**
 * OpenID Connect RP-Initiated Logout 1.0 in place of oidc-provider's: it writes nothing before the answer, ends a session
 * that a verified `id_token_hint` names even when this browser has no cookie of it, and revokes at once. The outbox alone
 * sends the back-channel logouts.
 */
export function createSignOut(
  provider: Provider,
  state: State,
  cookies: NonNullable<Configuration['cookies']>,
  now: () => number,
): {
  readonly ask: RouteMiddleware;
  readonly confirm: RouteMiddleware;
  readonly changeUser: RouteMiddleware;
} {
  const { origin } = new URL(provider.issuer);
  const keys = cookies.keys as readonly string[];
  const action = provider.issuer + CONFIRM;

  function seal(signOut: Omit<SignOut, 'expiresAt'>): string {
    const text = JSON.stringify({ ...signOut, expiresAt: now() + QUESTION_SECONDS } satisfies SignOut);
    const payload = Buffer.from(text).toString('base64url');
    return `${payload}.${macOf(payload, keys[0] ?? '')}`;
  }

  function unseal(sealed: string): SignOut | undefined {
    const [payload = '', mac = ''] = sealed.split('.');
    if (!keys.some((key) => sameDigest(macOf(payload, key), mac))) return undefined;
    const signOut = JSON.parse(Buffer.from(payload, 'base64url').toString()) as SignOut;
    return signOut.expiresAt > now() ? signOut : undefined;
  }

  /** The session that a hint names, while it lives. */
  async function sessionOf(hint: Hint): Promise<string | undefined> {
    if (typeof hint?.['sid'] !== 'string') return undefined;
    const sessions = await state.queries.sessionsOf(String(hint['sub']), hint['sid']);
    return sessions.find(({ current }) => current)?.id;
  }

  return {
    /** Asks, or goes straight on when there is no session. */
    async ask(ctx, next) {
      if (ctx.method !== 'GET') return next();
      const request = await readRequest(ctx.querystring, provider);
      if ('fault' in request) return answerWithPage(ctx, 400, errorPage('invalid_request', request.fault));
      const { client, returnTo, hint } = request;
      const cookie = await provider.Session.get(ctx);
      const session = cookie.accountId === undefined ? await sessionOf(hint) : sessionIdOf(cookie.uid);
      if (session === undefined) return goOn(ctx, returnTo, signedOutPage(pageOf(client)));
      const sealed = seal({ session, clientId: client?.clientId, returnTo });
      answerWithPage(ctx, 200, signOutPage(action, sealed, nameOf(client)), targetsOf(returnTo));
    },

    /** Takes the answer, from our own page only. */
    async confirm(ctx, next) {
      if (ctx.method !== 'POST') return next();
      if (!isSameOrigin(ctx.req, origin)) return answerWithPage(ctx, 403, foreignFormPage());
      const { xsrf, logout } = (ctx.req as IncomingMessage & { body?: Form }).body ?? {};
      const signOut = typeof xsrf === 'string' ? unseal(xsrf) : undefined;
      if (signOut === undefined) {
        return answerWithPage(ctx, 400, errorPage('invalid_request', 'the question has expired'));
      }
      const cookie = await provider.Session.get(ctx);
      const isOwn = sessionIdOf(cookie.uid) === signOut.session;
      const client = await clientOf(signOut.clientId, provider);
      if (logout !== 'yes') {
        // Who stays signed in has signed out of that one application.
        const grantId = isOwn && client !== undefined ? cookie.grantIdFor(client.clientId) : undefined;
        if (grantId !== undefined) await state.revocation.endGrant(grantId);
        return goOn(ctx, signOut.returnTo, staysSignedInPage());
      }
      await state.revocation.endSession(signOut.session);
      if (isOwn) ctx.cookies.set(provider.cookieName('session'), null, cookies.long);
      goOn(ctx, signOut.returnTo, signedOutPage(pageOf(client)));
    },

    /** Another user signed in than the one of this browser's session: it ends first, by a button instead of a script. */
    async changeUser(ctx, next) {
      await next();
      if (formPostOf(ctx)?.action !== action || ctx.oidc.session === undefined) return;
      const { session, entities } = ctx.oidc;
      const returnTo = provider.issuer + ctx.path;
      const fields = { xsrf: seal({ session: sessionIdOf(session.uid), returnTo }), logout: 'yes' };
      answerWithPage(
        ctx,
        200,
        changeUserPage(action, fields),
        targetsOf(entities.Interaction?.params['redirect_uri']),
      );
    },
  };
}

function macOf(payload: string, key: string): string {
  return createHmac('sha256', key).update(`sign-out ${payload}`).digest('base64url');
}

type Form = Readonly<Record<string, unknown>>;

/** The claims of a verified `id_token_hint`. */
type Hint = Readonly<Record<string, unknown>> | undefined;

type SignOutRequest =
  | { readonly fault: string }
  | { readonly client: Client | undefined; readonly hint: Hint; readonly returnTo: string | undefined };

/** Reads and checks the parameters (§2). A `post_logout_redirect_uri` counts only with a client that has registered it (§3). */
async function readRequest(query: string, provider: Provider): Promise<SignOutRequest> {
  const parameters = new URLSearchParams(query);
  const names = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state'];
  if (names.some((name) => parameters.getAll(name).length > 1)) return { fault: 'a parameter is repeated' };
  const [idToken, clientId, redirectUri, state] = names.map((name) => parameters.get(name) || undefined);

  const audience = idToken === undefined ? clientId : audienceOf(idToken);
  if (idToken !== undefined && audience === undefined) return { fault: 'id_token_hint is no ID token' };
  if (clientId !== undefined && clientId !== audience) {
    return { fault: 'id_token_hint was issued to another client' };
  }
  const client = await clientOf(audience, provider);
  if (client === undefined) {
    return audience === undefined
      ? { client, hint: undefined, returnTo: undefined }
      : { fault: 'the client is unknown' };
  }
  const verified =
    idToken === undefined
      ? { payload: undefined }
      : await provider.IdToken.validate(idToken, client).catch(() => undefined);
  if (verified === undefined) {
    return { fault: 'id_token_hint cannot be verified: sign in to the application again, then sign out' };
  }
  const hint = verified.payload;
  if (redirectUri === undefined) return { client, hint, returnTo: undefined };
  if (!client.postLogoutRedirectUriAllowed(redirectUri)) {
    return { fault: 'post_logout_redirect_uri is not registered' };
  }
  const returnTo = new URL(redirectUri);
  if (state !== undefined) returnTo.searchParams.set('state', state);
  return { client, hint, returnTo: returnTo.href };
}

/** The client that an ID token was issued to. Not checked: the signature. */
function audienceOf(idToken: string): string | undefined {
  try {
    // A logout token and an access token have a `typ`.
    const { aud } = decodeJwt(idToken);
    return decodeProtectedHeader(idToken).typ === undefined && typeof aud === 'string' ? aud : undefined;
  } catch {
    return undefined;
  }
}

async function clientOf(clientId: string | undefined, provider: Provider): Promise<Client | undefined> {
  return clientId === undefined ? undefined : provider.Client.find(clientId);
}

function goOn(ctx: KoaContextWithOIDC, returnTo: string | undefined, page: Page): void {
  if (returnTo === undefined) return answerWithPage(ctx, 200, page);
  ctx.set('Cache-Control', 'no-store');
  ctx.redirect(returnTo);
  ctx.status = 303;
}

function nameOf(client: Client | undefined): string | undefined {
  return client?.clientName ?? client?.clientId;
}

function pageOf(client: Client | undefined): { name: string; url: string } | undefined {
  const [name, url] = [nameOf(client), client?.clientUri];
  return name === undefined || url === undefined ? undefined : { name, url };
}
