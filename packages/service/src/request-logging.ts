import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { type Logger, pathOf } from './logging.ts';

const WELL_FORMED = /^[\w.-]{8,64}$/;

const idOfRequest = new WeakMap<IncomingMessage, string>();

const current = new AsyncLocalStorage<string>();

/**
 * Gives each request an id: the caller's `X-Request-Id` when it is 8–64 letters, digits, `.`, `_` or `-`, else a new
 * one. It is answered in the same header. An id says nothing about who called: any caller may choose one.
 */
export function requestIds(): RequestHandler {
  return (request, response, next) => {
    const offered = request.get('x-request-id');
    const id = offered !== undefined && WELL_FORMED.test(offered) ? offered : randomUUID();
    idOfRequest.set(request, id);
    response.setHeader('X-Request-Id', id);
    current.run(id, next);
  };
}

/** The id that `requestIds` gave to this request; undefined outside of it. */
export function requestIdOf(request: IncomingMessage): string | undefined {
  return idOfRequest.get(request);
}

/** The id of the request that is being answered in this asynchronous context; undefined outside one. */
export function currentRequestId(): string | undefined {
  return current.getStore();
}

/** `fetch` that hands the id of the request being answered to the next service, so that one id finds every log line of a chain. */
export const fetchWithRequestId: typeof fetch = (input, init) => {
  const id = currentRequestId();
  if (id === undefined) return fetch(input, init);
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  headers.set('X-Request-Id', id);
  return fetch(input, { ...init, headers });
};

export interface RequestLoggingOptions {
  /** What a log says of a request target. Default `pathOf`; a service whose paths hold secrets cuts them out. */
  readonly describePath?: (target: string) => string;
}

/**
 * Gives each request its id (`requestIds`) and logs one line when it is answered: method, path without query, status,
 * milliseconds, id; `aborted` when the caller went away first. Health probes are logged at `debug`.
 */
export function requestLogging(
  logger: Logger,
  { describePath = pathOf }: RequestLoggingOptions = {},
): RequestHandler {
  const identify = requestIds();
  return (request, response, next) => {
    const startedAt = performance.now();
    const path = describePath(request.originalUrl);
    response.once('close', () => {
      const line = {
        request_id: requestIdOf(request),
        method: request.method,
        path,
        status: response.statusCode,
        ms: Math.round((performance.now() - startedAt) * 10) / 10,
        ...(response.writableFinished ? {} : { aborted: true }),
      };
      if (response.statusCode >= 500) logger.warn(line, 'request');
      else if (path.startsWith('/health/')) logger.debug(line, 'request');
      else logger.info(line, 'request');
    });
    void identify(request, response, next);
  };
}
