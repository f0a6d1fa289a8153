import { isUnavailable } from '@behalf/database';
import { currentRequestId, type Logger } from '@behalf/service';
import express, { type ErrorRequestHandler, type Request, type Response, Router } from 'express';
import { errors, type Interaction, type InteractionResults, type Provider } from 'oidc-provider';
import { isLoopbackRedirect } from '../oidc/client-documents.ts';
import { isDocumentId } from '../oidc/clients.ts';
import { isSameOrigin } from '../oidc/edge.ts';
import { formTargetOf, pageHeaders, targetsOf } from '../oidc/pages.ts';
import type { UserStore } from '../state/users.ts';
import { grantRequested, scopesToAllow } from './consent.ts';
import { type Page, renderPage, STYLE_PATH, styleSheet } from './page.ts';
import {
  APPLICATION_PATH,
  consentPage,
  expiredPage,
  foreignFormPage,
  type SignInPage,
  signInPage,
  type SignInProblem,
  troublePage,
} from './pages.ts';
import { createSignInCheck, type SignInThrottle } from './throttle.ts';

export interface InteractionParts {
  readonly issuer: string;
  /** Where the pages of this server lead when they lead nowhere else. */
  readonly webOrigin: string;
  readonly logger: Logger;
  /** oidc-provider as it is now. */
  readonly provider: () => Provider;
  readonly users: Pick<UserStore, 'findById' | 'authenticate'>;
  readonly throttle: SignInThrottle;
  /** The name of the OpenID provider that people may sign in with besides; undefined: none. */
  readonly upstreamName: string | undefined;
  /** Shown on the sign-in page. */
  readonly demoUsers: SignInPage['demoUsers'];
  /** Epoch seconds. */
  readonly now: () => number;
}

const RETRY_AFTER_SECONDS = '5';

const readForm = express.urlencoded({ extended: false, limit: '8kb', parameterLimit: 20 });

/** The pages between an authorization request and its answer: sign-in and consent. oidc-provider decides which is due. */
export function interactionRoutes({
  issuer,
  webOrigin,
  logger,
  provider,
  users,
  throttle,
  upstreamName,
  demoUsers,
  now,
}: InteractionParts): Router {
  const { origin } = new URL(issuer);
  const checkSignIn = createSignInCheck(users, throttle);
  const routes = Router({ caseSensitive: true, strict: true });

  routes.get(STYLE_PATH, (_request, response) => {
    response.set('Cache-Control', 'public, max-age=300').type('text/css').send(styleSheet());
  });

  routes.get(APPLICATION_PATH, (_request, response) => response.redirect(303, `${webOrigin}/`));

  routes.get('/interaction/:uid', async (request, response) => {
    const interaction = await provider().interactionDetails(request, response);
    if (interaction.prompt.name === 'consent') return showConsent(response, interaction);
    const hint = text(interaction.params['login_hint']).slice(0, 256);
    // With `prompt=login` in a session that is still there, only the password is left to type.
    const user = hint === '' ? await signedInUser(interaction) : undefined;
    return showSignIn(response, interaction, { username: user?.name ?? hint });
  });

  routes.post(
    '/interaction/:uid',
    (request, response, next) => {
      if (isSameOrigin(request, origin)) next();
      else sendPage(response, 403, foreignFormPage());
    },
    readForm,
    async (request, response) => {
      const interaction = await provider().interactionDetails(request, response);
      const isConsent = interaction.prompt.name === 'consent';
      if (field(request, 'action') === 'abort') {
        const why = isConsent ? 'the user did not agree' : 'the sign-in was cancelled';
        return finish(request, response, { error: 'access_denied', error_description: why });
      }
      if (!isConsent) return signIn(request, response, interaction);
      const grantId = await grantRequested(provider(), interaction);
      return finish(request, response, { consent: { grantId } });
    },
  );

  routes.use('/interaction', pageErrors(logger));
  return routes;

  async function signIn(request: Request, response: Response, interaction: Interaction): Promise<void> {
    const username = field(request, 'username').trim();
    const password = field(request, 'password');
    const refuse = (status: number, problem: SignInProblem) =>
      showSignIn(response.status(status), interaction, { username, problem });
    if (username === '' || password === '') return refuse(400, 'missing');

    const signedInAt = now();
    const result = await checkSignIn(username, password, request.ip ?? '');
    if (result.ok) {
      // `pwd`: a password was used (RFC 8176 §2). The login counts from now, however late the browser comes back.
      return finish(request, response, {
        login: {
          accountId: result.user.id,
          amr: ['pwd'],
          ts: signedInAt,
          generation: result.user.generation,
        },
      });
    }
    const { problem } = result;
    if (problem === 'refused') return refuse(401, 'refused');
    if (problem === 'busy') return sendUnavailable(response);
    response.set('Retry-After', String(problem.waitSeconds));
    return refuse(429, problem);
  }

  /** Sends the browser back to oidc-provider with the person's answer. A sign-in starts anew; a consent adds to it. */
  function finish(request: Request, response: Response, result: InteractionResults): Promise<void> {
    const mergeWithLastSubmission = result.consent !== undefined;
    return provider().interactionFinished(request, response, result, { mergeWithLastSubmission });
  }

  async function showSignIn(
    response: Response,
    interaction: Interaction,
    form: { username: string; problem?: SignInProblem },
  ): Promise<void> {
    const page = signInPage({ ...(await addressOf(interaction)), ...form, upstreamName, demoUsers });
    sendPage(response, response.statusCode, page, interaction.params['redirect_uri']);
  }

  async function showConsent(response: Response, interaction: Interaction): Promise<void> {
    const user = await signedInUser(interaction);
    const { client_id: clientId, redirect_uri: redirectUri } = interaction.params;
    const page = consentPage({
      ...(await addressOf(interaction)),
      destination: formTargetOf(text(redirectUri)) ?? '',
      describedBy: isDocumentId(clientId) ? new URL(clientId).host : undefined,
      isLoopback: isLoopbackRedirect(text(redirectUri)),
      userName: user?.displayName ?? user?.name ?? '',
      scopes: await scopesToAllow(provider(), interaction),
    });
    sendPage(response, 200, page, redirectUri);
  }

  /** Where the form goes, and for which application. */
  async function addressOf({ uid, params }: Interaction): Promise<{ action: string; application: string }> {
    const id = text(params['client_id']);
    const client = await provider().Client.find(id);
    return { action: `/interaction/${uid}`, application: client?.clientName ?? id };
  }

  async function signedInUser({ session }: Interaction) {
    return session?.accountId === undefined ? undefined : users.findById(session.accountId);
  }
}

/** `redirectUri`: where the form may lead in the end. */
export function sendPage(response: Response, status: number, page: Page, redirectUri?: unknown): void {
  response
    .status(status)
    .set({ ...pageHeaders(targetsOf(redirectUri)) })
    .send(renderPage(page));
}

function sendUnavailable(response: Response): void {
  response.set('Retry-After', RETRY_AFTER_SECONDS);
  sendPage(response, 503, troublePage(currentRequestId()));
}

export function pageErrors(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof errors.SessionNotFound) return sendPage(response, 400, expiredPage());
    const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined;
    if (typeof status === 'number' && status < 500) return sendPage(response, status, foreignFormPage());
    const request_id = currentRequestId();
    logger.error({ request_id, err: error }, 'a page could not be shown');
    if (isUnavailable(error)) return sendUnavailable(response);
    sendPage(response, 500, troublePage(request_id));
  };
}

/** A form field as one string; a repeated or missing one is empty. */
function field(request: Request, name: string): string {
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return '';
  return text((body as Record<string, unknown>)[name]);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
