import { type DestinationStream, type Logger, pino } from 'pino';

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
 * One line of JSON per event. Members named like a credential are censored, and text that looks like a token is cut out of
 * the finished line as well. Of requests and responses only method, path and status are written; of errors name, message,
 * code, stack and cause, never their other members.
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

/** The id of a sign-in that has begun is the value of its cookie as well. */
const SIGN_IN_ID = /^(\/interaction|\/connect\/authorize)\/(?!style\.css$)[^/]+/i;

/**
 * A request target as logs and traces may have it: without its query string (it may hold a code, a hint or a request URI)
 * and without the id of a sign-in, at most 256 characters.
 */
export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  return (end === -1 ? target : target.slice(0, end)).replace(SIGN_IN_ID, '$1/:uid').slice(0, 256);
}

/** Stands in a log in place of a secret. */
export const CENSORED = '[redacted]';

/** Members that hold a credential, whatever object they stand in. Compared without case, `-` and `_`. */
const SECRET_MEMBER =
  /^(authorization|proxyauthorization|cookie|setcookie|dpop|code|codeverifier|usercode|devicecode|requesturi|idtokenhint|assertion|jwt|jws|jwe|privatekey|password|passphrase|.*token|.*secret|.*password|.*assertion|.*cookies?|.*credentials?)$/;

/** Bounds keep a search linear in texts that only begin like a credential again and again. No header of a JWT is that long. */
const JWT = /eyJ[\w-]{8,2048}\.[\w-]*\.[\w-]*(\.[\w-]*){0,2}/g;

const AUTHORIZATION_VALUE = /\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{6,}/gi;

const SCHEME = /bearer|basic|dpop/i;

const URL_CREDENTIALS = /(:\/\/[^\s:/@"]{0,256}:)[^\s@"]{1,1024}@/g;

const MAXIMUM_DEPTH = 6;

/**
 * A copy of a log record's members without credentials: members named like one are censored, and what looks like one
 * is cut out of strings. Errors and class instances are left as they are: a serializer takes those.
 * Not checked: a secret of no known form under the name of something else.
 */
export function redactMembers(record: Record<string, unknown>): Record<string, unknown> {
  return redactObject(record, 0);
}

/** Cuts JWTs, `Authorization` values and passwords in URLs out of any text. */
export function redactText(text: string): string {
  let result = text;
  // A search for a fixed text costs a fraction of the expression, which most lines do not need.
  if (result.includes('eyJ')) result = result.replace(JWT, CENSORED);
  if (SCHEME.test(result)) result = result.replace(AUTHORIZATION_VALUE, `$1 ${CENSORED}`);
  if (result.includes('://')) result = result.replace(URL_CREDENTIALS, `$1${CENSORED}@`);
  return result;
}

function redactObject(object: Record<string, unknown>, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      isSecretMember(name) && value !== undefined ? CENSORED : redactValue(value, depth),
    ]),
  );
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (depth >= MAXIMUM_DEPTH) return typeof value === 'object' && value !== null ? '[deep]' : value;
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  return isPlainObject(value) ? redactObject(value, depth + 1) : value;
}

/** The names of members come from the code, so there are few of them; the bound is for names that come from outside. */
const verdicts = new Map<string, boolean>();

function isSecretMember(name: string): boolean {
  const known = verdicts.get(name);
  if (known !== undefined) return known;
  const verdict = SECRET_MEMBER.test(name.replaceAll(/[-_]/g, '').toLowerCase());
  if (verdicts.size < 500) verdicts.set(name, verdict);
  return verdict;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
