import { type GuardedRequest, identifierOf, presentBody } from '@behalf/extension-grants';
import { pathOf } from '@behalf/service';
import express, { type RequestHandler } from 'express';
import type { ApiRegistry } from '../registry/apis.ts';

/** As an address this still fits what servers and proxies take for one line; more goes by PAR (RFC 9126). */
const MAXIMUM_BYTES = 8 * 1024;

const readForm = express.text({
  type: 'application/x-www-form-urlencoded',
  limit: MAXIMUM_BYTES,
  inflate: false,
});

/**
 * An authorization request sent by POST (OpenID Connect Core §3.1.2.1), turned into the same request by GET. A post from
 * another site carries no `SameSite=Lax` cookie; the redirect does, so the session is found without weaker cookies. 413
 * past 8 KiB. Parameters are not looked at: what is wrong with them is wrong by GET too. The query of the post is dropped.
 */
export function authorizeByPost(issuer: string): RequestHandler {
  return (request, response, next) => {
    readForm(request, response, (fault?: unknown) => {
      if (fault !== undefined) return next(fault);
      const body: unknown = request.body;
      const query = new URLSearchParams(typeof body === 'string' ? body : '');
      response.set('Cache-Control', 'no-store');
      response.redirect(303, `${issuer}/connect/authorize?${query.toString()}`);
    });
  };
}

const AUTHORITY = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/**
 * The path and query of a request target, which may be a whole URL (RFC 9112 §3.2.2). The host in it is whatever the
 * sender likes.
 */
export function originFormOf(target: string): string {
  const rest = target.replace(AUTHORITY, '');
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`;
}

/** oidc-provider derives addresses from a request target that is a whole URL, so it gets path and query alone. Mount it right in front. */
export const inOriginForm: RequestHandler = (request, _response, next) => {
  request.url = originFormOf(request.url);
  request.originalUrl = request.url;
  next();
};

/** The id of a sign-in under way is in its cookie as well as in its address. */
const SIGN_IN_UNDER_WAY = /^(\/interaction|\/connect\/authorize)\/(?!style\.css$)[^/]+/i;

/** A request target as a log may have it: no query string, and no id that is also a cookie's value. */
export function loggedPath(target: string): string {
  return pathOf(originFormOf(target)).replace(SIGN_IN_UNDER_WAY, '$1/:uid');
}

const GRANTS = new Set(['authorization_code', 'refresh_token']);

/**
 * `scope` on a code or refresh request names scopes of one API only, and that API is then the token's: oidc-provider alone
 * would give a token without an audience, or one for another `resource` without any scope. Runs behind the guard that
 * has read the body, and hands it on with the `resource` that the scopes stand for.
 */
export function resourceOfRequestedScopes(apis: ApiRegistry): RequestHandler {
  return (request, response, next) => {
    const { form } = request as GuardedRequest;
    if (!GRANTS.has(form?.values.get('grant_type')?.[0] ?? '')) return next();
    const owners = ownersOf(form?.values.get('scope')?.[0] ?? '', apis);
    const [owner, other] = owners;
    if (owner === undefined) return next();

    const named = form?.values.get('resource') ?? [];
    const fault =
      other !== undefined
        ? { error: 'invalid_scope', error_description: 'the scopes belong to different APIs' }
        : named.some((resource) => identifierOf(resource) !== owner)
          ? { error: 'invalid_target', error_description: 'resource and scope name different APIs' }
          : undefined;
    if (fault !== undefined) {
      response.status(400).set('Cache-Control', 'no-store').json(fault);
      return;
    }
    if (named.length === 0) {
      const suffix = `&resource=${encodeURIComponent(owner)}`;
      presentBody(request, Buffer.concat([request.body as Buffer, Buffer.from(suffix)]));
    }
    next();
  };
}

function ownersOf(scope: string, apis: ApiRegistry): string[] {
  const owners = scope.split(' ').map((value) => apis.ownerOf(value)?.identifier);
  return [...new Set(owners.filter((owner) => owner !== undefined))];
}
