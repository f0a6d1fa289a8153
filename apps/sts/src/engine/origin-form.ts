import type { RequestHandler } from 'express';

const AUTHORITY = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/**
 * The path and query of a request target, which may be a whole URL (RFC 9112 §3.2.2). The host in it is whatever the
 * sender likes.
 */
export function originFormOf(target: string): string {
  const rest = target.replace(AUTHORITY, '');
  return rest === target || rest.startsWith('/') ? rest : `/${rest}`;
}

/** The engine derives addresses from a request target that is a whole URL, so it gets path and query alone. Mount it right in front. */
export const inOriginForm: RequestHandler = (request, _response, next) => {
  request.url = originFormOf(request.url);
  request.originalUrl = request.url;
  next();
};
