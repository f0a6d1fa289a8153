import type { IncomingMessage } from 'node:http';
import { isUnavailable } from '@behalf/database';
import { currentRequestId, type Logger } from '@behalf/service';
import express, { type ErrorRequestHandler, type Request, type Response, Router } from 'express';
import { errors, type Interaction, type Provider } from 'oidc-provider';
import { formTargetOf, pageHeaders } from '../oidc/pages.ts';
import type { UserStore } from '../state/users.ts';
import { grantWhatIsAsked, scopesToAllow } from './consent.ts';
import { type Page, renderPage, STYLE_PATH, styleSheet } from './page.ts';
import {
  consentPage,
  APPLICATION_PATH,
  expiredPage,
  foreignFormPage,
  signInPage,
  type SignInProblem,
  troublePage,
} from './pages.ts';
import { createPasswordCheck, type PasswordCheck, type SignInThrottle } from './throttle.ts';

export interface InteractionPorts {
  readonly issuer: string;
  /** Where the pages of this server lead when they lead nowhere else. */
  readonly webOrigin: string;
  readonly logger: Logger;
  /** oidc-provider as it is now. */
  readonly provider: () => Provider;
  readonly users: Pick<UserStore, 'authenticate' | 'findById'>;
  readonly throttle: SignInThrottle;
  /** Epoch seconds. */
  readonly now: () => number;
}

const FORM_LIMIT = '8kb';

const RETRY_AFTER_SECONDS = '5';

/** Pages between an authorization request and its answer: sign-in and consent. oidc-provider knows what is to be asked. */
export function interactionRoutes(ports: InteractionPorts): Router {
  const routes = Router();
  const checkPassword = createPasswordCheck(ports.users);

  routes.get(STYLE_PATH, (_request, response) => {
    response.set('Cache-Control', 'public, max-age=300').type('text/css').send(styleSheet());
  });

  routes.get(APPLICATION_PATH, (_request, response) => response.redirect(303, `${ports.webOrigin}/`));

  routes.get('/interaction/:uid', async (request, response) => {
    const interaction = await ports.provider().interactionDetails(request, response);
    if (interaction.prompt.name === 'consent') return showConsent(response, interaction, ports);
    const username = hintOf(interaction) || (await signedInName(interaction, ports));
    return showSignIn(response, interaction, ports, { username });
  });

  routes.post(
    '/interaction/:uid',
    (request, response, next) => {
      if (isSameOrigin(request, new URL(ports.issuer).origin)) next();
      else sendPage(response, 403, foreignFormPage());
    },
    express.urlencoded({ extended: false, limit: FORM_LIMIT, parameterLimit: 20 }),
    async (request, response) => {
      const interaction = await ports.provider().interactionDetails(request, response);
      if (field(request, 'action') === 'abort') return abort(request, response, interaction, ports);
      if (interaction.prompt.name === 'consent') return allow(request, response, interaction, ports);
      return signIn(request, response, interaction, { ...ports, checkPassword });
    },
  );

  routes.use('/interaction', pageErrors(ports));
  return routes;
}

async function signIn(
  request: Request,
  response: Response,
  interaction: Interaction,
  ports: InteractionPorts & { readonly checkPassword: PasswordCheck },
): Promise<void> {
  const username = field(request, 'username').trim();
  const password = field(request, 'password');
  const refuse = (status: number, problem: SignInProblem) =>
    showSignIn(response.status(status), interaction, ports, { username, problem });
  if (username === '' || password === '') return refuse(400, 'missing');

  const admission = await ports.throttle.consume(username, request.ip ?? '');
  if (!admission.ok) {
    response.set('Retry-After', String(admission.waitSeconds));
    return refuse(429, { waitSeconds: admission.waitSeconds });
  }
  const checkedAt = ports.now();
  const checked = await ports.checkPassword(username, password);
  if (checked === 'busy') {
    await admission.refund();
    response.set('Retry-After', RETRY_AFTER_SECONDS);
    return sendPage(response, 503, troublePage(currentRequestId()));
  }
  const { user } = checked;
  if (user === undefined) return refuse(401, 'refused');
  await admission.refund();
  await ports.provider().interactionFinished(
    request,
    response,
    // `pwd`: a password was used (RFC 8176 §2). The login counts from then, however late the browser comes back.
    { login: { accountId: user.id, amr: ['pwd'], ts: checkedAt } },
    { mergeWithLastSubmission: false },
  );
}

async function allow(
  request: Request,
  response: Response,
  interaction: Interaction,
  ports: InteractionPorts,
): Promise<void> {
  const provider = ports.provider();
  const grantId = await grantWhatIsAsked(provider, interaction);
  await provider.interactionFinished(
    request,
    response,
    { consent: { grantId } },
    { mergeWithLastSubmission: true },
  );
}

async function abort(
  request: Request,
  response: Response,
  interaction: Interaction,
  ports: InteractionPorts,
): Promise<void> {
  const why = interaction.prompt.name === 'consent' ? 'the user did not agree' : 'the sign-in was cancelled';
  await ports
    .provider()
    .interactionFinished(
      request,
      response,
      { error: 'access_denied', error_description: why },
      { mergeWithLastSubmission: false },
    );
}

async function showSignIn(
  response: Response,
  interaction: Interaction,
  ports: InteractionPorts,
  form: { username: string; problem?: SignInProblem },
): Promise<void> {
  const page = signInPage({
    action: `/interaction/${interaction.uid}`,
    application: await applicationOf(interaction, ports),
    ...form,
  });
  sendPage(response, response.statusCode, page, destinationOf(interaction));
}

async function showConsent(
  response: Response,
  interaction: Interaction,
  ports: InteractionPorts,
): Promise<void> {
  const user = await ports.users.findById(interaction.session?.accountId ?? '');
  const page = consentPage({
    action: `/interaction/${interaction.uid}`,
    application: await applicationOf(interaction, ports),
    destination: destinationOf(interaction) ?? '',
    userName: user?.displayName ?? user?.name ?? '',
    scopes: await scopesToAllow(ports.provider(), interaction),
  });
  sendPage(response, 200, page, destinationOf(interaction));
}

async function applicationOf(interaction: Interaction, ports: InteractionPorts): Promise<string> {
  const id = text(interaction.params['client_id']);
  return (await ports.provider().Client.find(id))?.clientName ?? id;
}

/** Who signs in anew in a session that still lives (`prompt=login`) has only the password to type. */
async function signedInName(interaction: Interaction, { users }: InteractionPorts): Promise<string> {
  const { accountId } = interaction.session ?? {};
  return accountId === undefined ? '' : ((await users.findById(accountId))?.name ?? '');
}

function hintOf(interaction: Interaction): string {
  return text(interaction.params['login_hint']).slice(0, 256);
}

function destinationOf(interaction: Interaction): string | undefined {
  return formTargetOf(text(interaction.params['redirect_uri']));
}

function sendPage(response: Response, status: number, page: Page, formTarget?: string): void {
  response
    .status(status)
    .set({ ...pageHeaders(formTarget === undefined ? [] : [formTarget]) })
    .send(renderPage(page));
}

function pageErrors({ logger }: InteractionPorts): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof errors.SessionNotFound) return sendPage(response, 400, expiredPage());
    if (
      error instanceof Error &&
      'status' in error &&
      typeof error.status === 'number' &&
      error.status < 500
    ) {
      return sendPage(response, error.status, foreignFormPage());
    }
    const request_id = currentRequestId();
    logger.error({ request_id, err: error }, 'a page could not be shown');
    if (isUnavailable(error)) response.set('Retry-After', RETRY_AFTER_SECONDS);
    return sendPage(response, isUnavailable(error) ? 503 : 500, troublePage(request_id));
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

/**
 * Whether a form was sent by one of our own pages: the `Origin` is exactly ours. Browsers send it with every form post,
 * and SameSite cookies do not replace the check, since all ports of one host are one site.
 * A request with neither `Origin` nor `Sec-Fetch-Site` does not come from a browser, so nobody's cookies are being abused.
 */
export function isSameOrigin(request: IncomingMessage, ownOrigin: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined) return origin === ownOrigin;
  return site === undefined || site === 'same-origin';
}
