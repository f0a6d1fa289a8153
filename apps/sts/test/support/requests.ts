/** Requests in quantity: kept connections, a bounded number of them, and no more than a form and its answer. */

import { Agent, request } from 'node:http';
import { basic } from './sign-in.ts';

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Record<string, unknown>;
}

type Form = Readonly<Record<string, string>>;

const CONNECTIONS_PER_REPLICA = 32;

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_PER_REPLICA });

/** Rejects when no whole answer came: the service was killed, say. */
export async function send(
  url: string,
  { form, headers = {} }: { form?: Form; headers?: Form } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const type =
    body === undefined
      ? {}
      : {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(body)),
        };
  const outgoing = request(
    url,
    { method: body === undefined ? 'GET' : 'POST', agent, headers: { ...type, ...headers } },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject).on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          contentType: response.headers['content-type'],
          body: parse(text),
        }),
      );
    },
  );
  outgoing.on('error', reject).end(body);
  return promise;
}

const api1 = basic('api1.client');

/** API1's exchange of a user's token, at one replica. */
export function delegate(at: string, token: string): Promise<Answer> {
  return send(`${at}/connect/token`, {
    form: { grant_type: 'delegation', scope: 'api2', token },
    headers: api1,
  });
}

/** API1's exchange that asks the subscription service first. */
export function translate(at: string, token: string): Promise<Answer> {
  const form = { grant_type: 'translation', scope: 'api2.premium', token };
  return send(`${at}/connect/token`, { form, headers: api1 });
}

/** API2's exchange of a token that API1 got. */
export function exchangeAgain(at: string, token: string): Promise<Answer> {
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    scope: 'subscriptions.read',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  };
  return send(`${at}/connect/token`, { form, headers: basic('api2.client') });
}

/** Introspects a token as the API that it is for. */
export async function isActive(at: string, token: string): Promise<unknown> {
  const { client_id } = claimsOf(token);
  const asking = client_id === 'web.client' ? 'api1.client' : client_id;
  return (await send(`${at}/connect/introspect`, { form: { token }, headers: basic(String(asking)) })).body[
    'active'
  ];
}

/** RFC 7009, by the public client that the token was issued to. */
export function revoke(at: string, token: string): Promise<Answer> {
  return send(`${at}/connect/revocation`, { form: { client_id: 'web.client', token } });
}

export function accessTokenOf(answer: Answer): string {
  const token = answer.body['access_token'];
  if (answer.status !== 200 || typeof token !== 'string') {
    throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return token;
}

/** The `sid` of a token. */
export function sessionOf(token: string): string {
  return String(claimsOf(token)['sid']);
}

function claimsOf(token: string): Record<string, unknown> {
  return parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}
