import express, { type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import { problem, type Problem } from './problem.ts';

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

/**
 * Reads a JSON body, at most `limitBytes` (default 16 KiB): 415 for anything that does not call itself
 * `application/json`, 413 past the limit, 400 for what does not parse or has more
 * than 32 levels (what can be read cannot always be written again). Mount it behind authentication: a token is read
 * before a body. Not checked: the shape.
 */
export function jsonBody({ limitBytes = 16 * 1024 }: { limitBytes?: number } = {}): RequestHandler {
  const parse = express.json({ limit: limitBytes, strict: true, inflate: false });
  return (request, response, next) => {
    if (!isJson(request.get('content-type'))) return next(notJson());
    parse(request, response, (fault?: unknown) => {
      next(fault ?? (isNestedDeeper(request.body, MAXIMUM_DEPTH) ? tooDeep() : undefined));
    });
  };
}

function isJson(contentType = ''): boolean {
  const [mediaType = ''] = contentType.split(';', 1);
  return mediaType.trim().toLowerCase() === 'application/json';
}

const MAXIMUM_DEPTH = 32;

function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isNestedDeeper(member, levels - 1));
}

function tooDeep(): Problem {
  return problem({ status: 400, type: 'bad-request', detail: 'The body is nested too deep.' });
}

function notJson(): Problem {
  return problem({
    status: 415,
    type: 'unsupported-media-type',
    detail: 'Send application/json.',
    headers: { 'Accept-Post': 'application/json' },
  });
}

const KEY = /^[\x20-\x7e]{1,64}$/;

/** Refuses a request without one `Idempotency-Key` of 1 to 64 printable characters. `idempotencyKeyOf` gives it. */
export const requireIdempotencyKey: RequestHandler = (request, _response, next) => {
  idempotencyKeyOf(request);
  next();
};

/** Throws a Problem (400) when there is none. */
export function idempotencyKeyOf(request: Request): string {
  const [key, ...more] = request.headersDistinct['idempotency-key'] ?? [];
  if (key !== undefined && more.length === 0 && KEY.test(key)) return key;
  throw problem({
    status: 400,
    type: 'idempotency-key-required',
    title: 'No usable Idempotency-Key',
    detail: 'Send one Idempotency-Key header of 1 to 64 printable characters.',
  });
}
