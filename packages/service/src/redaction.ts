/** What stands in a log in place of a secret. */
export const CENSORED = '[redacted]';

/** Members that hold a credential, whatever object they stand in. Compared without case, `-` and `_`. */
const SECRET_MEMBER =
  /^(authorization|proxyauthorization|cookie|setcookie|dpop|code|codeverifier|usercode|devicecode|requesturi|idtokenhint|assertion|jwt|jws|jwe|privatekey|password|passphrase|.*token|.*secret|.*password|.*assertion|.*cookies?|.*credentials?)$/;

/** Bounds keep a search linear in texts that only begin like a credential again and again. No header of a JWT is that long. */
const JWT = /eyJ[\w-]{8,2048}\.[\w-]*\.[\w-]*(\.[\w-]*){0,2}/g;
const AUTHORIZATION_VALUE = /\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{6,}/gi;
const URL_CREDENTIALS = /(:\/\/[^\s:/@"]{0,256}:)[^\s@"]{1,1024}@/g;

const MAXIMUM_DEPTH = 6;

/**
 * A copy of a log record's members without credentials: members named like one are censored, and what looks like one
 * is cut out of strings. Errors and class instances are left as they are: a serializer takes those.
 * Not checked: a secret of no recognisable form under an innocent name.
 */
export function redactMembers(record: Record<string, unknown>): Record<string, unknown> {
  return redactObject(record, 0);
}

/** Cuts JWTs, `Authorization` values and passwords in URLs out of any text. */
export function redactText(text: string): string {
  return text
    .replace(JWT, CENSORED)
    .replace(AUTHORIZATION_VALUE, `$1 ${CENSORED}`)
    .replace(URL_CREDENTIALS, `$1${CENSORED}@`);
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

function isSecretMember(name: string): boolean {
  return SECRET_MEMBER.test(name.replaceAll(/[-_]/g, '').toLowerCase());
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
