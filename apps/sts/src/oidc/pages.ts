import { currentRequestId } from '@behalf/service';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { type Page, renderPage } from '../interactions/page.ts';
import {
  clientDocumentPage,
  continuePage,
  errorPage,
  expiredPage,
  troublePage,
} from '../interactions/pages.ts';
import { ClientDocumentError } from './client-documents.ts';

/** Routes that people see; every other one answers JSON whatever `Accept` says. */
const PAGE_ROUTES = new Set(['authorization', 'resume']);

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
  if (error.cause instanceof ClientDocumentError) {
    return answerWithPage(ctx, 400, clientDocumentPage(error.cause.message));
  }
  if (out.error === 'server_error') return answerWithPage(ctx, 500, troublePage(currentRequestId()));
  answerWithPage(ctx, ctx.status, errorPage(out.error, out.error_description));
}

/** An authorization response by `response_mode=form_post`: a page with a button, where oidc-provider has a script press it. */
export async function replaceFormPostPages(
  ctx: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  const form = formPostOf(ctx);
  if (form !== undefined) {
    answerWithPage(ctx, ctx.status, continuePage(form.action, form.fields), targetsOf(form.action));
  }
}

/** The form that oidc-provider hands values on by. */
export function formPostOf({
  body,
}: KoaContextWithOIDC): { action: string; fields: Record<string, string> } | undefined {
  if (typeof body !== 'string' || !body.includes('<title>Submitting Callback</title>')) return undefined;
  const action = /<form method="post" action="([^"]*)">/.exec(body)?.[1] ?? '';
  const inputs = body.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g);
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

/**
 * Headers of a page for people. Its forms may lead to this server and to `formTargets`, where the browser is sent next:
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

/** None for what is no URI. */
export function targetsOf(redirectUri: unknown): string[] {
  const target = typeof redirectUri === 'string' ? formTargetOf(redirectUri) : undefined;
  return target === undefined ? [] : [target];
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
