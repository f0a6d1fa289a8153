import type { RequestHandler } from 'express';

export interface CorsOptions {
  /** The one origin whose pages may call, compared as a whole: `http://localhost:5173`. */
  readonly origin: string;
  readonly methods: readonly string[];
  readonly requestHeaders: readonly string[];
  /** Response headers that a page may read. */
  readonly exposedHeaders: readonly string[];
}

const PREFLIGHT_MAX_AGE_SECONDS = 600;

/**
 * Lets the pages of one origin call this service (Fetch standard, CORS protocol). No credentials mode: the token is in a
 * header. It guards nothing by itself, since only browsers heed it; authentication stays where it is.
 */
export function allowOrigin(options: CorsOptions): RequestHandler {
  return (request, response, next) => {
    response.vary('Origin');
    if (request.get('origin') !== options.origin) {
      next();
      return;
    }
    response.set('Access-Control-Allow-Origin', options.origin);
    if (request.method !== 'OPTIONS' || request.get('access-control-request-method') === undefined) {
      response.set('Access-Control-Expose-Headers', options.exposedHeaders.join(', '));
      next();
      return;
    }
    response
      .status(204)
      .set({
        'Access-Control-Allow-Methods': options.methods.join(', '),
        'Access-Control-Allow-Headers': options.requestHeaders.join(', '),
        'Access-Control-Max-Age': String(PREFLIGHT_MAX_AGE_SECONDS),
      })
      .end();
  };
}
