import { pino, type DestinationStream, type Logger } from 'pino';
import { redactMembers, redactText } from './redaction.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** Stands in every line as `service`. */
  readonly service: string;
  /** Default `info`. */
  readonly level?: string;
  /** Default standard output. */
  readonly destination?: DestinationStream;
}

/**
 * One line of JSON per event. Members named like a credential are censored, and whatever looks like a token is cut out
 * of the finished line as well. Of requests and responses only method, path and status are ever written; of errors
 * name, message, code, stack and cause, never the objects that hang from them.
 */
export function createLogger({ service, level = 'info', destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: redactMembers,
      },
      serializers: { err: describeError, error: describeError, req: describeRequest, res: describeResponse },
      hooks: { streamWrite: redactText },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

const MAXIMUM_CAUSES = 4;

function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : { type: typeof error };
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: error.stack,
    ...(error.cause instanceof Error && depth < MAXIMUM_CAUSES
      ? { cause: describeError(error.cause, depth + 1) }
      : {}),
  };
}

function describeRequest(request: { method?: string; originalUrl?: string; url?: string }): unknown {
  return { method: request.method, path: pathOf(request.originalUrl ?? request.url ?? '') };
}

function describeResponse(response: { statusCode?: unknown }): unknown {
  return { status: response.statusCode };
}

/** A request target without its query string (it may hold a code, a hint or a request URI), at most 256 characters. */
export function pathOf(target: string): string {
  return (target.split(/[?#]/, 1)[0] ?? '').slice(0, 256);
}
