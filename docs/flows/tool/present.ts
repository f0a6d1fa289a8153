/** Shows values of a run: never a whole token, code, cookie or secret. */

const SECRETS = new Set(['password', 'client_secret']);
const BEARER_LIKE = new Set([
  'access_token',
  'refresh_token',
  'id_token',
  'token',
  'code',
  'code_verifier',
  'code_challenge',
  'state',
  'nonce',
  'xsrf',
  'session_state',
]);
/** Members that would bury the rest. */
const LONG_MEMBERS: Readonly<Record<string, string>> = {
  steps: 'see docs/decisions/003',
  totals: '…',
  payees: '…',
  months: '…',
};
const SHOWN_ELEMENTS = 3;
const SHORT = 6;

/** A value as it may be shown under this name. */
export function presentValue(name: string, value: string): string {
  if (SECRETS.has(name)) return '<secret>';
  const token = decodeToken(value);
  if (token !== undefined) return `<${describeToken(value)}>`;
  return BEARER_LIKE.has(name) && value !== '' ? `${value.slice(0, SHORT)}…` : value;
}

/** Kind, audience and actors of a token in a few words; `opaque token` when it cannot be read. */
export function describeToken(text: string): string {
  const token = decodeToken(text);
  if (token === undefined) return 'opaque token';
  const { typ, claims } = token;
  const audience = String(claims['aud']);
  if (typ === 'logout+jwt') return `logout token for ${audience}`;
  if (typ !== 'at+jwt') return `ID token for ${audience}`;
  const actors = actorsOf(claims['act']);
  return `token for ${audience}${actors.length > 0 ? `, act: ${actors.join(' ⟵ ')}` : ''}`;
}

/** The current actor first. */
function actorsOf(act: unknown): readonly string[] {
  if (typeof act !== 'object' || act === null || !('sub' in act)) return [];
  return [String(act.sub), ...actorsOf('act' in act ? act.act : undefined)];
}

/** JSON as it may be shown: tokens in words, long lists cut. */
export function presentJson(value: unknown): string {
  return JSON.stringify(presentMember(value), null, 2).replaceAll(/\[\s+("[^"]*")\s+\]/g, '[$1]');
}

function presentMember(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return presentValue(name, value);
  if (Array.isArray(value)) {
    const shown = value.slice(0, SHOWN_ELEMENTS).map((element) => presentMember(element));
    return value.length > SHOWN_ELEMENTS ? [...shown, `… and ${value.length - SHOWN_ELEMENTS} more`] : shown;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, LONG_MEMBERS[key] ?? presentMember(member, key)]),
  );
}

/** Form or query parameters, one per line, decoded for reading. */
export function presentParameters(parameters: URLSearchParams): string {
  return [...parameters]
    .map(([name, value], index) => `${index === 0 ? '' : '&'}${name}=${presentValue(name, value)}`)
    .join('\n');
}

/** A path without the ids that are made up for one visit. */
export function presentPath(path: string): string {
  return path.replace(/\/(interaction|authorize|payments)\/[^/]+/, '/$1/…');
}

/** A header line's value. */
export function presentHeader(name: string, value: string): string {
  if (name === 'authorization') return presentAuthorization(value);
  if (name === 'set-cookie') return presentCookie(value);
  if (name === 'location') return presentAddress(value);
  return value;
}

function presentCookie(value: string): string {
  const [cookie = '', ...attributes] = value.split(/; */);
  const shown = attributes.map((attribute) =>
    attribute.startsWith('path=') ? `path=${presentPath(attribute.slice(5))}` : attribute,
  );
  return [`${cookie.split('=', 1)[0]}=…`, ...shown].join('; ');
}

function presentAuthorization(value: string): string {
  const [scheme = '', credentials = ''] = value.split(' ');
  if (scheme !== 'Basic') return `${scheme} <${describeToken(credentials)}>`;
  const [client] = Buffer.from(credentials, 'base64').toString('utf8').split(':', 1);
  return `Basic base64(${client}:<secret>)`;
}

function presentAddress(value: string): string {
  const url = new URL(value, 'http://relative.invalid');
  const query = [...url.searchParams].map(([name, text]) => `${name}=${presentValue(name, text)}`);
  const origin = url.hostname === 'relative.invalid' ? '' : url.origin;
  return `${origin}${presentPath(url.pathname)}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

export interface DecodedToken {
  readonly typ: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

const JWT = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/;

/** The claims of a JWT, unverified; undefined for anything else. */
export function decodeToken(text: string): DecodedToken | undefined {
  if (!JWT.test(text)) return undefined;
  const [header = '', claims = ''] = text.split('.');
  const { typ } = read(header);
  return { typ: typeof typ === 'string' ? typ : 'JWT', claims: read(claims) };
}

function read(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
}
