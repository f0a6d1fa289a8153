import { renderPage, type Page } from '../interactions/page.ts';

/**
 * Headers of a page for people. Its forms may lead to this server and to where the engine sends the browser next:
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
