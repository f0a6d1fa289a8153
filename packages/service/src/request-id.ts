import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';

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
