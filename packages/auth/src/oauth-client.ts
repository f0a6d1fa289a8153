import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  PrivateKeyJwt,
  type ClientAuth,
  type CustomFetch,
  type ServerMetadata,
} from 'openid-client';
import { DelegationError } from './delegation-error.ts';
import { assertOptions, isObject } from './options.ts';
import {
  connectToIssuer,
  readBounded,
  retryAfterOf,
  type IssuerConnection,
  type IssuerOptions,
} from './outgoing.ts';

export interface OAuthClientOptions extends IssuerOptions {
  readonly clientId: string;
  /** Either this or `privateKey`. */
  readonly clientSecret?: string | undefined;
  /** How the secret is sent (RFC 6749 §2.3.1). Default: `client_secret_post`, in the form. */
  readonly tokenEndpointAuthMethod?: 'client_secret_post' | 'client_secret_basic' | undefined;
  /** Signs client assertions (`private_key_jwt`, RFC 7523). */
  readonly privateKey?: Parameters<typeof PrivateKeyJwt>[0] | undefined;
}

/** openid-client refuses http altogether; `send` decides more finely which addresses may be http. */
// oxlint-disable-next-line typescript/no-deprecated -- marked so only to stand out
const allowHttp: (configuration: Configuration) => void = allowInsecureRequests;

/**
 * A client of one authorization server, as openid-client's functions take it. Discovery happens when first needed and
 * again after a failure, so that both may start in any order. Throws TypeError for a malformed option.
 */
export function createOAuthClient(options: OAuthClientOptions): () => Promise<Configuration> {
  const { clientId } = options;
  assertOptions('name', { clientId });
  const authentication = clientAuthentication(options);
  const issuer = connectToIssuer(options);
  let configuration: Configuration | undefined;
  return async () => {
    if (configuration !== undefined) return configuration;
    const metadata = (await issuer.metadata()) as unknown as ServerMetadata;
    configuration = new Configuration(metadata, clientId, undefined, authentication);
    configuration[customFetch] = answeredFetch(issuer);
    configuration.timeout = issuer.timeoutMs / 1000;
    allowHttp(configuration);
    return configuration;
  };
}

function clientAuthentication(options: OAuthClientOptions): ClientAuth {
  const { clientSecret, privateKey, tokenEndpointAuthMethod = 'client_secret_post' } = options;
  if ((clientSecret === undefined) === (privateKey === undefined))
    throw new TypeError('either clientSecret or privateKey is needed');
  if (privateKey !== undefined) return PrivateKeyJwt(privateKey);
  assertOptions('name', { clientSecret });
  if (tokenEndpointAuthMethod === 'client_secret_post') return ClientSecretPost(clientSecret);
  if (tokenEndpointAuthMethod === 'client_secret_basic') return ClientSecretBasic(clientSecret);
  throw new TypeError('tokenEndpointAuthMethod is neither client_secret_post nor client_secret_basic');
}

/**
 * Throws `unavailable` for 5xx and 429, and hands on other answers with their body read and bounded. Their challenge is
 * left out, because the body says the same and more.
 */
function answeredFetch({ send, now }: IssuerConnection): CustomFetch {
  return async (url, { body: form, signal, ...init }) => {
    const response = await send(url, {
      ...init,
      body: (form ?? null) as NonNullable<RequestInit['body']> | null,
      signal: signal ?? null,
    });
    const body = await readBounded(response);
    if (response.status >= 500 || response.status === 429) {
      throw new DelegationError('unavailable', {
        status: response.status,
        retryAfterSeconds: retryAfterOf(response, now()),
        ...errorMembersOf(body),
      });
    }
    const headers = new Headers(response.headers);
    headers.delete('www-authenticate');
    headers.delete('content-encoding');
    return new Response(body === '' ? null : body, { status: response.status, headers });
  };
}

function errorMembersOf(body: string) {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return {};
  }
  if (!isObject(json)) return {};
  const { error, error_description: description } = json;
  return {
    error: typeof error === 'string' ? error : undefined,
    description: typeof description === 'string' ? description : undefined,
  };
}
