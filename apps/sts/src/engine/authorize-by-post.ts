import express, { type RequestHandler } from 'express';

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
