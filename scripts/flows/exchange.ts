/** Who talks to whom in a recorded run. */
export type Party = 'browser' | 'sts' | 'api1' | 'api2' | 'subscriptions';

export const NAMES: Readonly<Record<Party, string>> = {
  browser: 'Browser',
  sts: 'STS',
  api1: 'API1',
  api2: 'API2',
  subscriptions: 'Subscriptions',
};

/** One request with its answer, as it went over the wire: it still holds tokens and secrets. */
export interface Exchange {
  readonly from: Party;
  readonly to: Party;
  readonly method: string;
  readonly url: URL;
  readonly requestHeaders: Headers;
  readonly requestBody: string;
  readonly status: number;
  readonly responseHeaders: Headers;
  readonly responseBody: string;
  /** Position among everything that began and ended in the run. */
  readonly began: number;
  readonly ended: number;
}

/** A part of a flow, under a heading of its own. */
export interface Step {
  readonly title: string;
  readonly exchanges: readonly Exchange[];
}

export interface DecodedToken {
  readonly typ: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

const JWT = /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*$/;

/** What a JWT says, unverified; undefined for anything else. */
export function decodeToken(text: string): DecodedToken | undefined {
  if (!JWT.test(text)) return undefined;
  const [header = '', claims = ''] = text.split('.');
  const { typ } = read(header);
  return { typ: typeof typ === 'string' ? typ : 'JWT', claims: read(claims) };
}

/** The parameters of a form, or undefined when the body is none. */
export function formOf({ requestHeaders, requestBody }: Exchange): URLSearchParams | undefined {
  const isForm = requestHeaders.get('content-type')?.startsWith('application/x-www-form-urlencoded');
  return isForm === true ? new URLSearchParams(requestBody) : undefined;
}

/** The members of a JSON answer; empty when it is none. */
export function jsonOf({ responseHeaders, responseBody }: Exchange): Readonly<Record<string, unknown>> {
  const isJson = /json/.test(responseHeaders.get('content-type') ?? '');
  return isJson && responseBody !== '' ? (JSON.parse(responseBody) as Record<string, unknown>) : {};
}

function read(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
}
