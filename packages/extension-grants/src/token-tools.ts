import { randomUUID } from 'node:crypto';
import type { Client, Provider } from 'oidc-provider';
import type { GrantClient, JsonValue, ApiDirectory } from './contract.ts';
import { assertExtraKept, assertLifetime, assertScopesOf, recordIssuance, SELF_ISSUED } from './issue.ts';
import { outsideRequest, publicClient, resourceServerOf, signJwt } from './oidc-provider-internals.ts';
import { assertNoProtocolClaims } from './results.ts';

export interface TokenToolsOptions {
  readonly apis: ApiDirectory;
  /** Clients that only this server itself acts as. From outside they are unknown; they must not be registered. */
  readonly internalClients?: readonly GrantClient[];
  /** Epoch seconds. */
  readonly now?: () => number;
}

export interface IssueClientJwtOptions {
  /** A registered or an internal client. */
  readonly clientId: string;
  /** From 1 to 3600. */
  readonly lifetimeSeconds: number;
  /** At least one, all of one API, all registered for the client. */
  readonly scopes: readonly string[];
  /** Short name or resource identifier of that API. Default: the one that the scopes belong to. */
  readonly audience?: string;
  readonly claims?: Readonly<Record<string, JsonValue>>;
}

export interface IssueJwtOptions {
  /** From 1 to 3600. */
  readonly lifetimeSeconds: number;
  /** `iss`, `iat`, `exp` and `jti` are this server's to state. */
  readonly claims: Readonly<Record<string, JsonValue>>;
}

export interface TokenTools {
  /**
   * An access token (RFC 9068) of a client itself, without secret and without HTTP. It passes the same hooks of the
   * engine as every other token, outside of the request that may be under way. Throws on whatever is not registered.
   */
  issueClientJwt(options: IssueClientJwtOptions): Promise<string>;
  /**
   * A plain JWT (`typ: JWT`) signed with oidc-provider's current key: never an access token. Its `aud` and whatever else
   * keeps it from being mistaken for another kind of token (RFC 8725 §3.8, §3.11) is the caller's part. Not recorded.
   */
  issueJwt(options: IssueJwtOptions): Promise<string>;
}

const MAXIMUM_LIFETIME_SECONDS = 3600;

const SERVER_CLAIMS = ['iss', 'iat', 'exp', 'jti'];

/** Tokens that the server issues to itself: inside a grant, at start-up, in a job. */
export function createTokenTools(provider: Provider, options: TokenToolsOptions): TokenTools {
  const { apis, now = () => Math.floor(Date.now() / 1000) } = options;
  const findClient = clientFinder(provider, options);

  return {
    async issueClientJwt({ clientId, lifetimeSeconds, scopes, audience, claims = {} }) {
      assertLifetime(lifetimeSeconds, MAXIMUM_LIFETIME_SECONDS);
      assertNoProtocolClaims(claims);
      return outsideRequest(async () => {
        const { client, scopes: registered } = await findClient(clientId);
        const target = apis.resolve(audience ?? apis.ownerOf(scopes[0] ?? '') ?? '');
        if (scopes.length === 0 || target === undefined)
          throw new TypeError('name scopes of one registered API');
        assertScopesOf(apis, target, scopes, registered);
        const resourceServer = await resourceServerOf(provider, undefined, target, client);
        const token = new provider.ClientCredentials({
          client,
          resourceServer,
          scope: [...new Set(scopes)].join(' '),
          extra: { ...claims },
          iat: now(),
          exp: now() + lifetimeSeconds,
          expiresIn: lifetimeSeconds,
        });
        recordIssuance(token, { grantType: SELF_ISSUED, subjectToken: undefined, actorChain: [] });
        const jwt = await token.save();
        assertExtraKept(token, claims);
        return jwt;
      });
    },

    async issueJwt({ lifetimeSeconds, claims }) {
      assertLifetime(lifetimeSeconds, MAXIMUM_LIFETIME_SECONDS);
      const own = SERVER_CLAIMS.filter((name) => Object.hasOwn(claims, name));
      if (own.length > 0) throw new TypeError(`claims that the server states: ${own.join(', ')}`);
      const iat = now();
      const payload = { ...claims, iss: provider.issuer, iat, exp: iat + lifetimeSeconds, jti: randomUUID() };
      return signJwt(provider, payload, 'JWT');
    },
  };
}

interface FoundClient {
  readonly client: Client;
  readonly scopes: readonly string[];
}

function clientFinder(provider: Provider, { apis, internalClients = [] }: TokenToolsOptions) {
  const internal = new Map(internalClients.map((client) => [client.id, client]));
  return async function findClient(clientId: string): Promise<FoundClient> {
    const own = internal.get(clientId);
    const registered = await provider.Client.find(clientId);
    if (own === undefined) {
      if (registered === undefined) throw new Error(`the client ${clientId} is not registered`);
      return { client: registered, scopes: apis.scopesOf(clientId) };
    }
    if (registered !== undefined)
      throw new Error(`${clientId} is an internal client and must not be registered`);
    return { client: publicClient(provider, clientId), scopes: own.scopes };
  };
}
