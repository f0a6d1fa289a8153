import type { IncomingMessage } from 'node:http';
import cors from 'cors';
import express, { type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import { problem } from './problem.ts';

const security = headersOf(
  helmet({
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
  }),
);

/**
 * Response headers of an API: nothing is to be rendered, framed, sniffed, referred to or stored. Answers hold personal
 * data; a route that may be cached sets its own `Cache-Control`.
 */
export const apiHeaders: RequestHandler = (_request, response, next) => {
  for (const [name, value] of security) response.setHeader(name, value);
  response.setHeader('Cache-Control', 'no-store');
  next();
};

/** The headers that a middleware sets on every response, computed once. */
export function headersOf(middleware: ReturnType<typeof helmet>): readonly (readonly [string, string])[] {
  const headers: [string, string][] = [];
  const response = {
    setHeader: (name: string, value: string) => void headers.push([name, value]),
    removeHeader: () => undefined,
  };
  middleware({} as never, response as never, () => undefined);
  return headers;
}

export interface CorsOptions {
  /**
   * The one origin whose pages may call, compared as a whole: `http://localhost:5173`; or `*`, the pages of every origin; or
   * whether an origin is one of several.
   */
  readonly origin: string | ((origin: string) => Promise<boolean>);
  readonly methods: readonly string[];
  /** Default: those that the page asks for. */
  readonly requestHeaders?: readonly string[];
  /** Response headers that a page may read. */
  readonly exposedHeaders: readonly string[];
}

/**
 * Lets the pages of one origin, of several or of all call this service (Fetch standard, CORS protocol), without credentials:
 * the token is in a header. Not checked: who calls, because only browsers heed these headers.
 */
export function allowOrigin(options: CorsOptions): RequestHandler {
  const { origin: own } = options;
  const isAllowed = typeof own === 'string' ? (origin: string) => origin === own : own;
  const allow = cors({
    // As the request says it: what is not allowed does not get here.
    origin: own === '*' ? '*' : true,
    methods: [...options.methods],
    ...(options.requestHeaders === undefined ? {} : { allowedHeaders: [...options.requestHeaders] }),
    exposedHeaders: [...options.exposedHeaders],
    maxAge: 600,
  });
  return async (request, response, next) => {
    const { origin } = request.headers;
    if (own === '*' || (origin !== undefined && (await isAllowed(origin))))
      return allow(request, response, next);
    response.vary('Origin');
    next();
  };
}

/**
 * Reads a JSON body, at most `limitBytes` (default 16 KiB): 415 for anything that does not call itself
 * `application/json`, 413 past the limit, 400 for what does not parse or has more
 * than 32 levels (a deeper value can be read but not always be written again). Mount it behind authentication: a token is
 * read before a body. Not checked: the shape.
 */
export function jsonBody({ limitBytes = 16 * 1024 }: { limitBytes?: number } = {}): RequestHandler {
  const parse = express.json({ limit: limitBytes, strict: true, inflate: false, type: isJson });
  return (request, response, next) => {
    if (!isJson(request)) return next(notJson());
    parse(request, response, (fault?: unknown) => {
      next(fault ?? (isNestedDeeper(request.body, MAXIMUM_DEPTH) ? tooDeep() : undefined));
    });
  };
}

function isJson({ headers }: IncomingMessage): boolean {
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';', 1);
  return mediaType.trim().toLowerCase() === 'application/json';
}

const MAXIMUM_DEPTH = 32;

function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isNestedDeeper(member, levels - 1));
}

function tooDeep() {
  return problem({ status: 400, type: 'bad-request', detail: 'The body is nested too deep.' });
}

function notJson() {
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
