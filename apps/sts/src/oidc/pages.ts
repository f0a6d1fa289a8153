import { currentRequestId } from '@behalf/service';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { type Page, renderPage } from '../interactions/page.ts';
import {
  continuePage,
  errorPage,
  expiredPage,
  signedOutPage,
  signOutPage,
  switchAccountPage,
  troublePage,
} from '../interactions/pages.ts';

/** Routes that people see; every other one answers JSON whatever `Accept` says. */
const PAGE_ROUTES = new Set([
  'authorization',
  'resume',
  'end_session',
  'end_session_confirm',
  'end_session_success',
]);

/** Asks whether to sign out; oidc-provider checks the answer's `xsrf`. */
export async function logoutSource(ctx: KoaContextWithOIDC): Promise<void> {
  const state = ctx.oidc.session?.state;
  const secret = typeof state?.['secret'] === 'string' ? state['secret'] : '';
  const page = signOutPage(ctx.oidc.urlFor('end_session_confirm'), secret, nameOf(ctx));
  answerWithPage(ctx, 200, page, targets(ctx.oidc.params?.['post_logout_redirect_uri']));
}

export async function postLogoutSuccessSource(ctx: KoaContextWithOIDC): Promise<void> {
  const uri = ctx.oidc.client?.clientUri;
  const name = nameOf(ctx);
  answerWithPage(
    ctx,
    200,
    signedOutPage(uri === undefined || name === undefined ? undefined : { name, url: uri }),
  );
}

/** An error that is not sent back to the client: a page for people, JSON for programs. */
export async function renderError(
  ctx: KoaContextWithOIDC,
  out: { error: string; error_description?: string | undefined },
  error: Error,
): Promise<void> {
  if (!PAGE_ROUTES.has(ctx.oidc.route)) {
    ctx.type = 'json';
    ctx.body = out;
    return;
  }
  if (error instanceof errors.SessionNotFound) return answerWithPage(ctx, 400, expiredPage());
  if (out.error === 'server_error') return answerWithPage(ctx, 500, troublePage(currentRequestId()));
  answerWithPage(ctx, ctx.status, errorPage(out.error, out.error_description));
}

/**
 * oidc-provider hands some values on by a form that a script submits. There is no script here: when nobody is signed in
 * a logout just goes on to where it leads, and everything else becomes a page with a button.
 */
export async function replaceFormPostPages(
  ctx: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  if (typeof ctx.body !== 'string' || !ctx.body.includes('<title>Submitting Callback</title>')) return;
  const { oidc } = ctx;
  if (oidc.route === 'end_session' && oidc.session?.accountId === undefined) return goOnSignedOut(ctx);
  const form = readForm(ctx.body);
  const afterwards: unknown = oidc.entities.Interaction?.params['redirect_uri'];
  const isSwitch = oidc.route === 'resume' && form.action === oidc.urlFor('end_session_confirm');
  const page = isSwitch ? switchAccountPage : continuePage;
  answerWithPage(ctx, ctx.status, page(form.action, form.fields), [
    ...targets(form.action),
    ...targets(afterwards),
  ]);
}

/** oidc-provider has checked `post_logout_redirect_uri` against the client's registration, or dropped it. */
function goOnSignedOut(ctx: KoaContextWithOIDC): void {
  const { post_logout_redirect_uri: redirectUri, state } = ctx.oidc.params ?? {};
  const location = new URL(
    typeof redirectUri === 'string' ? redirectUri : ctx.oidc.urlFor('end_session_success'),
  );
  if (typeof redirectUri === 'string' && typeof state === 'string') location.searchParams.set('state', state);
  ctx.status = 303;
  ctx.redirect(location.href);
}

function readForm(markup: string): { action: string; fields: Record<string, string> } {
  const action = /<form method="post" action="([^"]*)">/.exec(markup)?.[1] ?? '';
  const inputs = markup.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g);
  return {
    action: unescapeHtml(action),
    fields: Object.fromEntries([...inputs].map(([, name = '', value = '']) => [name, unescapeHtml(value)])),
  };
}

const CHARACTERS: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&#x27;': "'",
};

function unescapeHtml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39|#x27);/g, (entity) => CHARACTERS[entity] ?? entity);
}

function nameOf(ctx: KoaContextWithOIDC): string | undefined {
  return ctx.oidc.client?.clientName ?? ctx.oidc.client?.clientId;
}

function targets(uri: unknown): string[] {
  const target = typeof uri === 'string' ? formTargetOf(uri) : undefined;
  return target === undefined ? [] : [target];
}

/**
 * Headers of a page for people. Its forms may lead to this server and to where oidc-provider sends the browser next:
 * Chromium checks redirects of a form against `form-action`, too.
 */
export function pageHeaders(formTargets: readonly string[] = []): Readonly<Record<string, string>> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': contentSecurityPolicy(formTargets),
    // With no-referrer a form post would have the Origin "null", and its check would refuse it.
    'Referrer-Policy': 'same-origin',
  };
}

export function contentSecurityPolicy(formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    'img-src data:',
    `form-action ${["'self'", ...new Set(formTargets)].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The CSP source for a redirect URI: its origin, or its scheme when that is a private one (RFC 8252 §7.1). */
export function formTargetOf(redirectUri: string): string | undefined {
  const url = URL.parse(redirectUri);
  if (url === null) return undefined;
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.origin : url.protocol;
}

/** A page as Koa answers it. */
export function answerWithPage(
  ctx: { body: unknown; status: number; set(headers: Record<string, string>): void },
  status: number,
  page: Page,
  formTargets: readonly string[] = [],
): void {
  ctx.status = status;
  ctx.set({ ...pageHeaders(formTargets) });
  ctx.body = renderPage(page);
}
