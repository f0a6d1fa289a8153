import type { webcrypto } from 'node:crypto';
import {
  allowInsecureRequests,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  PrivateKeyJwt,
  type ClientAuth,
  type CustomFetch,
  type PrivateKey,
} from 'openid-client';
import { DelegationError } from './delegation-error.ts';
import {
  assertSecureUrl,
  DEFAULT_TIMEOUT_MS,
  isObject,
  reachIssuerAt,
  readBounded,
  retryAfterOf,
  secureFetch,
  type Fetch,
} from './outgoing.ts';

export interface OAuthClientOptions {
  /** Identifier of the authorization server. */
  readonly issuer: string;
  /** Where it is reached, when that differs from its identifier. */
  readonly address?: string | undefined;
  /** With these nothing is discovered. */
  readonly tokenEndpoint?: string | undefined;
  readonly introspectionEndpoint?: string | undefined;
  readonly clientId: string;
  /** Sent in the form (`client_secret_post`). Either this or `privateKey`. */
  readonly clientSecret?: string | undefined;
  /** Signs client assertions (`private_key_jwt`, RFC 7523). */
  readonly privateKey?: webcrypto.CryptoKey | PrivateKey | undefined;
  /** For each request. Default 5000. */
  readonly timeoutMs?: number | undefined;
  readonly fetch?: Fetch | undefined;
  /** Allow http to another machine, inside a network that one trusts. Default: https, or http to loopback. */
  readonly allowInsecureHttp?: boolean | undefined;
}

/** Which addresses may be http is decided when a client is made, more finely than the library can. */
// oxlint-disable-next-line typescript/no-deprecated -- marked so only to stand out
const allowHttp: (configuration: Configuration) => void = allowInsecureRequests;

/** Gives the set-up that openid-client's functions take. */
export type OAuthClient = () => Promise<Configuration>;

/**
 * A client of one authorization server. Discovery happens when first needed and is tried again after a failure, so that
 * both may start in any order; one request at a time.
 */
export function createOAuthClient(options: OAuthClientOptions): OAuthClient {
  const { issuer, address, allowInsecureHttp } = options;
  for (const url of [address ?? issuer, options.tokenEndpoint, options.introspectionEndpoint]) {
    if (url !== undefined) assertSecureUrl(url, allowInsecureHttp);
  }
  const authentication = clientAuthentication(options);
  const send = answeredFetch(
    reachIssuerAt(issuer, address, secureFetch(options.fetch ?? fetch, allowInsecureHttp)),
  );
  const timeoutSeconds = (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) / 1000;
  let pending: Promise<Configuration> | undefined;

  function configured(): Promise<Configuration> {
    if (options.tokenEndpoint === undefined && options.introspectionEndpoint === undefined) {
      return discovery(new URL(issuer), options.clientId, undefined, authentication, {
        [customFetch]: send,
        timeout: timeoutSeconds,
        execute: [allowHttp],
      });
    }
    const metadata = {
      issuer,
      ...(options.tokenEndpoint === undefined ? {} : { token_endpoint: options.tokenEndpoint }),
      ...(options.introspectionEndpoint === undefined
        ? {}
        : { introspection_endpoint: options.introspectionEndpoint }),
    };
    const configuration = new Configuration(metadata, options.clientId, undefined, authentication);
    configuration[customFetch] = send;
    configuration.timeout = timeoutSeconds;
    allowHttp(configuration);
    return Promise.resolve(configuration);
  }

  return async () => {
    pending ??= configured();
    const current = pending;
    try {
      return await current;
    } catch (error) {
      if (pending === current) pending = undefined;
      throw error;
    }
  };
}

function clientAuthentication(options: OAuthClientOptions): ClientAuth {
  if (options.privateKey !== undefined && options.clientSecret === undefined)
    return PrivateKeyJwt(options.privateKey);
  if (options.clientSecret !== undefined && options.privateKey === undefined)
    return ClientSecretPost(options.clientSecret);
  throw new TypeError('either clientSecret or privateKey is needed');
}

/**
 * Throws `unavailable` for an answer that is none (5xx, 429), and hands on the others with their body read and bounded.
 * Their challenge is left out: the body says the same, and more.
 */
function answeredFetch(send: Fetch): CustomFetch {
  return async (url, { body: form, signal, ...init }) => {
    const response = await send(url, { ...init, body: form ?? null, signal: signal ?? null });
    const body = await readBounded(response);
    if (response.status >= 500 || response.status === 429) {
      throw new DelegationError('unavailable', {
        status: response.status,
        retryAfterSeconds: retryAfterOf(response),
        ...errorMembersOf(body),
      });
    }
    const headers = new Headers(response.headers);
    headers.delete('www-authenticate');
    headers.delete('content-encoding');
    return new Response(body === '' ? null : body, { status: response.status, headers });
  };
}

function errorMembersOf(body: string): { error?: string; description?: string } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return {};
  }
  if (!isObject(json)) return {};
  const { error, error_description: description } = json;
  return {
    ...(typeof error === 'string' ? { error } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  };
}
