import type { IncomingMessage } from 'node:http';
import { pathOf } from '@behalf/service';
import express, { type RequestHandler } from 'express';

/** As an address this still fits what servers and proxies take for one line; more goes by PAR (RFC 9126). */
const MAXIMUM_BYTES = 8 * 1024;

const readForm = express.text({
  type: 'application/x-www-form-urlencoded',
  limit: MAXIMUM_BYTES,
  inflate: false,
});

/**
 * Turns a request that came as a form into the same request by GET: an authorization request (OpenID Connect Core §3.1.2.1)
 * and a sign-out (RP-Initiated Logout §2). A post from another site carries no `SameSite=Lax` cookie; the redirect does. The
 * query of the post is dropped. 413 past 8 KiB. Not checked: the parameters.
 */
export function postAsGet(issuer: string): RequestHandler {
  return (request, response, next) => {
    readForm(request, response, (fault?: unknown) => {
      if (fault !== undefined) return next(fault);
      const body: unknown = request.body;
      const query = new URLSearchParams(typeof body === 'string' ? body : '');
      response.set('Cache-Control', 'no-store');
      response.redirect(303, `${issuer}${request.path}?${query.toString()}`);
    });
  };
}

/** The form that answers the sign-out question. */
export const readSignOutForm: RequestHandler = express.urlencoded({
  extended: false,
  limit: MAXIMUM_BYTES,
  parameterLimit: 20,
});

/**
 * Whether a form was sent by one of our own pages: the `Origin` is exactly ours. Browsers send it with every form post, and
 * `SameSite` cookies do not replace the check, because all ports of one host are one site. A request with neither `Origin`
 * nor `Sec-Fetch-Site` does not come from a browser.
 */
export function isSameOrigin(request: IncomingMessage, ownOrigin: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined) return origin === ownOrigin;
  return site === undefined || site === 'same-origin';
}

const AUTHORITY = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** The path and query of a request target, which may be a whole URL with any host (RFC 9112 §3.2.2). */
export function originFormOf(target: string): string {
  const rest = target.replace(AUTHORITY, '');
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`;
}

/** oidc-provider derives addresses from a request target that is a whole URL, so it gets path and query alone. */
export const inOriginForm: RequestHandler = (request, _response, next) => {
  request.url = originFormOf(request.url);
  request.originalUrl = request.url;
  next();
};

/** A sign-in's id stands in its address and in its cookie. */
const SIGN_IN = /^(\/interaction|\/connect\/authorize)\/(?!style\.css$)[^/]+/i;

/** A request target as a log may have it: no query string, and no id that is also a cookie's value. */
export function loggedPath(target: string): string {
  return pathOf(originFormOf(target)).replace(SIGN_IN, '$1/:uid');
}
