import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Response headers of an API: nothing is to be rendered, framed, sniffed, referred to or stored. Answers hold personal
 * data; a route that may be cached sets its own `Cache-Control`.
 */
export function apiHeaders(): RequestHandler[] {
  const security: RequestHandler = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  return [security, noStore];
}

const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  next();
};
