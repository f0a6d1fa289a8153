import type { IncomingMessage } from 'node:http';

/**
 * Whether a form was sent by one of our own pages: the `Origin` is exactly ours. Browsers send it with every form post,
 * and SameSite cookies do not replace the check, since all ports of one host are one site.
 * A request with neither `Origin` nor `Sec-Fetch-Site` does not come from a browser, so nobody's cookies are being abused.
 */
export function isFromOwnPage(request: IncomingMessage, ownOrigin: string): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined) return origin === ownOrigin;
  return site === undefined || site === 'same-origin';
}
