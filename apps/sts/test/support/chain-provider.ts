/**
 * The grants in a real engine over HTTP, with a registry made for chains: four APIs in a circle, each with one client
 * that may use every grant, and a policy that lets every client act at every other API. What holds here does not hold
 * because some row was missing.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createAccessTokenValidator,
  createTokenTools,
  extraTokenClaims,
  type RefusedRequest,
  registerExtensionGrants,
  TOKEN_EXCHANGE_GRANT,
} from '@behalf/extension-grants';
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { type ClientMetadata, Provider } from 'oidc-provider';
import { createDelegationGrant } from '../../src/grants/delegation.ts';
import { createSubjectTokenReader } from '../../src/grants/subject-token.ts';
import { createTokenExchangeGrant } from '../../src/grants/token-exchange.ts';
import { createTranslationGrant } from '../../src/grants/translation.ts';
import { createTrustedIssuerTokenValidator } from '../../src/grants/trusted-issuer-token.ts';
import { createApiRegistry, createApiDirectory, type Api } from '../../src/registry/apis.ts';
import { DELEGATION_GRANT, TRANSLATION_GRANT, USER_SUBSCRIPTION_CLIENT } from '../../src/registry/clients.ts';
import type { DelegationPolicy } from '../../src/registry/delegation-policy.ts';
import { ALICE, createDemoPartner, PARTNER_ISSUER } from '../../src/registry/users-and-issuers.ts';

const ISSUER = 'https://sts.example';

const MAXIMUM_DEPTH = 3;

const API_NAMES = ['a', 'b', 'c', 'd'] as const;

export type ApiName = (typeof API_NAMES)[number];

export const audienceOf = (api: ApiName) => `https://${api}.example`;

export const clientOf = (api: ApiName) => `${api}.client`;

const GRANTS = [DELEGATION_GRANT, TRANSLATION_GRANT, TOKEN_EXCHANGE_GRANT];

const RESOURCES: readonly Api[] = [
  { name: 'sts', identifier: ISSUER, scopes: ['actor'], clients: [] },
  {
    name: 'subscriptions',
    identifier: 'https://subscriptions.example',
    scopes: ['subscriptions.read'],
    clients: [],
  },
  ...API_NAMES.map((name): Api => ({
    name,
    identifier: audienceOf(name),
    scopes: [name, `${name}.more`],
    clients: [{ id: clientOf(name), rights: ['exchange'] }],
  })),
];

const POLICY: DelegationPolicy = API_NAMES.flatMap((source) =>
  API_NAMES.filter((to) => to !== source).flatMap((to) => {
    const row = { actor: clientOf(source), to, scopes: [to], maximumDepth: MAXIMUM_DEPTH };
    return [
      { ...row, subjectToken: { api: source, scope: source }, by: GRANTS },
      { ...row, subjectToken: { issuer: PARTNER_ISSUER }, by: [TRANSLATION_GRANT] },
    ];
  }),
);

const CLIENTS: ClientMetadata[] = API_NAMES.map((name) => ({
  client_id: clientOf(name),
  client_secret: 'secret',
  grant_types: [...GRANTS, 'client_credentials'],
  response_types: [],
  redirect_uris: [],
}));

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ChainProvider {
  /** Signs an access token as this server would, for whatever a test wants to be true. */
  mint(claims: Record<string, unknown>): Promise<string>;
  /** Signs as the partner. */
  mintAsPartner(claims: Record<string, unknown>): Promise<string>;
  /** One token request of a client. */
  request(client: string, form: Record<string, string>): Promise<Answer>;
  /** The refusals so far, as the ledger gets them. */
  readonly refused: RefusedRequest[];
  close(): Promise<void>;
}

export async function openChainProvider(): Promise<ChainProvider> {
  const [own, partner] = await Promise.all([
    generateKeyPair('ES256', { extractable: true }),
    generateKeyPair('ES256'),
  ]);
  const apis = createApiRegistry(RESOURCES);
  const directory = createApiDirectory(apis, () =>
    apis.all.flatMap(({ scopes }) => scopes).filter((scope) => scope !== 'subscriptions.read'),
  );
  const provider = new Provider(ISSUER, {
    jwks: { keys: [{ ...(await exportJWK(own.privateKey)), kid: 'own', alg: 'ES256', use: 'sig' }] },
    clients: CLIENTS,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    extraTokenClaims,
    ttl: { ClientCredentials: 300 },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, identifier) => ({
          audience: identifier,
          scope: apis.find(identifier)?.scopes.join(' ') ?? '',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });

  const publicJwks = { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'own' }] };
  const accessTokens = createAccessTokenValidator({
    issuer: ISSUER,
    jwks: () => publicJwks,
    statusOf: () => Promise.resolve({ active: true, isBlocked: false }),
  });
  const issuers = [createDemoPartner({ audience: ISSUER, publicKey: await exportJWK(partner.publicKey) })];
  const users = {
    findById: (id: string) =>
      Promise.resolve({ id, name: id, email: null, displayName: null, mayAct: null, disabled: false }),
  };
  const exchange = {
    policy: POLICY,
    apis,
    accessTokens,
    ledger: {
      statusOf: () => Promise.resolve({ active: true, isBlocked: false } as const),
      isActorBlocked: () => Promise.resolve(false),
    },
  };
  const used = new Set<string>();
  const refused: RefusedRequest[] = [];
  registerExtensionGrants(provider, {
    apis: directory,
    onRefused: (refusal) => {
      refused.push(refusal);
      return Promise.resolve();
    },
    validators: [
      createDelegationGrant(exchange),
      createTokenExchangeGrant({ ...exchange, issuer: ISSUER }),
      createTranslationGrant({
        ...exchange,
        subjectTokens: createSubjectTokenReader(
          accessTokens,
          createTrustedIssuerTokenValidator({ issuers, users }),
        ),
        consumePartnerToken: ({ jti }) => Promise.resolve(!used.has(jti) && used.add(jti).has(jti)),
        subscriptions: {
          async of(_subject, issueToken) {
            await issueToken();
            const subscription = { plan: 'premium', status: 'active', renewsAt: '2030-01-01' } as const;
            return { kind: 'found', subscription };
          },
        },
        subscriptionsAudience: 'https://subscriptions.example',
        tokenTools: createTokenTools(provider, {
          apis: directory,
          internalClients: [USER_SUBSCRIPTION_CLIENT],
        }),
      }),
    ],
  });

  const handle = provider.callback();
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    refused,
    mint: (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'own' })
        .sign(own.privateKey),
    mintAsPartner: (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(partner.privateKey),
    async request(client, form) {
      const response = await fetch(`http://127.0.0.1:${port}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${client}:secret`).toString('base64')}` },
        body: new URLSearchParams(form),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A user's own token for an API, as after a sign-in. */
export function userClaims(api: ApiName, now: number): Record<string, unknown> {
  return {
    iss: ISSUER,
    sub: ALICE,
    aud: audienceOf(api),
    client_id: 'web.client',
    scope: api,
    jti: `users-token-for-${api}`,
    iat: now - 10,
    exp: now + 200,
    sid: 'session-of-alice',
    auth_time: now - 60,
    amr: ['pwd'],
  };
}

/** A partner's token that `client` may present. */
export function partnerClaims(client: string, jti: string, now: number): Record<string, unknown> {
  return {
    iss: PARTNER_ISSUER,
    aud: ISSUER,
    sub: 'alice@partner',
    azp: client,
    iat: now,
    exp: now + 200,
    jti,
  };
}

export function claimsOf(answer: Answer): JWTPayload {
  const jwt = answer.body['access_token'];
  if (typeof jwt !== 'string') throw new Error(`no token: ${JSON.stringify(answer.body)}`);
  return decodeJwt(jwt);
}
