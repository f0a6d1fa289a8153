import type { RequestHandler } from 'express';
import { pathOf, type Logger } from './logger.ts';
import { requestIdOf, requestIds } from './request-id.ts';

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
