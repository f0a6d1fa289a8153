import { SettingsError } from '@behalf/service';
import type { Config } from '../config.ts';
import type { ClientStore } from '../state/clients.ts';
import type { UserStore } from '../state/users.ts';
import { type Api, type ApiRegistry, createApiRegistry, createApis } from './apis.ts';
import { idFaults, registrationFaults, subjectFaults } from './client-faults.ts';
import {
  type ConfiguredClient,
  createClients,
  DEVELOPMENT_SECRET,
  TRANSLATION_GRANT,
  USER_SUBSCRIPTION_CLIENT,
} from './clients.ts';
import { DELEGATION_POLICY, type DelegationPolicy, validatePolicy } from './delegation-policy.ts';
import type { RegistryFile } from './registry-file.ts';
import {
  createDemoPartner,
  DEMO_USERS,
  type DemoUser,
  loadDemoKeys,
  PARTNER_ISSUER,
  type TrustedIssuer,
  trustedIssuerFaults,
} from './users-and-issuers.ts';

/** The APIs, issuers, clients and users that this server's code and settings name, and who may act for whom. */
export interface Registry {
  readonly apis: ApiRegistry;
  readonly policy: DelegationPolicy;
  readonly trustedIssuers: readonly TrustedIssuer[];
  /** `seedRegistry` puts clients and users into the database. */
  readonly clients: readonly ConfiguredClient[];
  readonly users: readonly DemoUser[];
}

const JWT_CLIENT = 'jwt.client';

const DEMO_CLIENTS = new Set(['machine.client', JWT_CLIENT]);

/**
 * Puts the registry together, from the tables of this folder or from REGISTRY_FILE. The demo's users are part of it only when
 * they are asked for, and so are its clients and its partner in the tables. Throws SettingsError when a part of it could not
 * work, or an issuer not in production.
 */
export async function loadRegistry(config: Config): Promise<Registry> {
  const file = config.registryFile;
  const tables = file === undefined ? await builtInTables(config) : tablesOfFile(file, config);
  const { policy, trustedIssuers, clients } = tables;
  const apis = indexed(tables, config);
  const rules = { apis, permitsPlainHttp: !config.isProduction };
  const faults = clients.flatMap((client) =>
    registrationFaults(client, rules).map((fault) => `${client.id}: ${fault}`),
  );
  faults.push(...issuerFaults(tables));
  if (config.isProduction) faults.push(...trustedIssuerFaults(trustedIssuers));
  if (faults.length > 0) throw new SettingsError(faults);
  return { apis, policy, trustedIssuers, clients, users: config.demo ? DEMO_USERS : [] };
}

interface Tables {
  readonly apis: readonly Api[];
  readonly policy: DelegationPolicy;
  readonly trustedIssuers: readonly TrustedIssuer[];
  readonly clients: readonly ConfiguredClient[];
}

async function builtInTables(config: Config): Promise<Tables> {
  const keys = config.demo ? await loadDemoKeys(config.dataDirectory) : undefined;
  const secrets = new Map<string, string>(Object.entries(config.clientSecrets));
  return {
    apis: createApis(config.registry),
    policy: DELEGATION_POLICY,
    trustedIssuers:
      keys === undefined
        ? []
        : [createDemoPartner({ audience: config.registry.issuer, publicKey: keys.partner })],
    clients: createClients(config.registry, keys?.jwtClient ?? {})
      .filter(({ id }) => config.demo || !DEMO_CLIENTS.has(id))
      .map((client) => {
        const secret = secrets.get(client.id);
        return client.secret === undefined || secret === undefined ? client : { ...client, secret };
      }),
  };
}

/** The server's own API comes from the code. In development each client with a secret has the one that everybody knows. */
function tablesOfFile(file: RegistryFile, config: Config): Tables {
  const [own] = createApis(config.registry);
  const secrets = new Map<string, string>(Object.entries(config.clientSecrets));
  return {
    apis: [...(own === undefined ? [] : [own]), ...file.apis],
    policy: file.delegationPolicy,
    trustedIssuers: file.trustedIssuers,
    clients: file.clients.map(({ metadata, ...client }) => {
      const secret = secrets.get(client.id) ?? (config.isProduction ? undefined : DEVELOPMENT_SECRET);
      const hasSecret = !['none', 'private_key_jwt'].includes(String(metadata['token_endpoint_auth_method']));
      return {
        ...client,
        metadata: {
          response_types: usesGrant(metadata, 'authorization_code') ? ['code'] : [],
          redirect_uris: [],
          ...metadata,
          client_id: client.id,
        },
        ...(hasSecret && secret !== undefined ? { secret } : {}),
      };
    }),
  };
}

/** Throws SettingsError where the APIs do not fit together, or a row of the policy does not fit them or could be used by nobody. */
function indexed({ apis, policy, clients }: Tables, config: Config): ApiRegistry {
  const faults: string[] = [];
  try {
    const registry = createApiRegistry(apis);
    validatePolicy(policy, registry);
    const isUsed = clients.some(({ metadata }) => usesGrant(metadata, TRANSLATION_GRANT));
    const owner = registry.ownerOf(USER_SUBSCRIPTION_CLIENT.scopes[0]);
    if (isUsed && owner?.identifier !== config.registry.subscriptionsResource) {
      faults.push(
        `the grant ${TRANSLATION_GRANT} asks the API SUBSCRIPTIONS_RESOURCE, which does not own ${USER_SUBSCRIPTION_CLIENT.scopes[0]}`,
      );
    }
    if (faults.length === 0) return registry;
  } catch (error) {
    faults.push((error as Error).message);
  }
  throw new SettingsError(faults);
}

function usesGrant(metadata: ConfiguredClient['metadata'], grant: string): boolean {
  const grants = metadata['grant_types'];
  return Array.isArray(grants) && grants.includes(grant);
}

function issuerFaults({ policy, trustedIssuers }: Tables): readonly string[] {
  const known = new Set(trustedIssuers.map(({ issuer }) => issuer));
  const twice = trustedIssuers.length > known.size ? ['a trusted issuer stands there twice'] : [];
  const unknown = policy.flatMap(({ subjectToken }) =>
    'issuer' in subjectToken && subjectToken.issuer !== PARTNER_ISSUER && !known.has(subjectToken.issuer)
      ? [`a row of the policy names ${subjectToken.issuer}, which is no trusted issuer`]
      : [],
  );
  return [...twice, ...unknown];
}

/** The clients that act for an API. */
export function clientIdsFor(apis: ApiRegistry, audience: string): readonly string[] {
  return apis.find(audience)?.clients.map(({ id }) => id) ?? [];
}

interface Stores {
  readonly users: UserStore;
  readonly clients: ClientStore;
}

/**
 * Puts users and clients of the registry into the database, on several replicas at once if need be. Metadata of clients
 * follow the code, and a secret is applied when the settings have another one than last time. What an operator decided
 * since (a password, a retired secret, a disabled user or client) stays.
 */
export async function seedRegistry(
  registry: Pick<Registry, 'users' | 'clients'>,
  { users, clients }: Stores,
  onSecretApplied: (clientId: string) => void,
): Promise<void> {
  for (const user of registry.users) {
    if ((await users.findById(user.id)) === undefined) await users.add(user);
  }
  for (const { secret, ...client } of registry.clients) {
    await clients.upsert(client);
    if (secret === undefined) continue;
    if (await clients.applyConfiguredSecret(client.id, secret)) onSecretApplied(client.id);
  }
}

/**
 * Throws SettingsError with everything in the database that no server may run on: names that are not kept apart (RFC 9700
 * §4.15), and, in production, development secrets and what a demo has left.
 */
export async function validateDatabase(
  { apis }: Pick<Registry, 'apis'>,
  stores: Stores,
  {
    isProduction,
    demo,
    now,
  }: { readonly isProduction: boolean; readonly demo: boolean; readonly now: number },
): Promise<void> {
  const faults: string[] = [];
  for (const client of await stores.clients.list()) {
    const { id } = client;
    const names = [...idFaults(client), ...subjectFaults(client, apis)];
    if ((await stores.users.findById(id)) !== undefined) names.push("its id is a user's sub");
    faults.push(...names.map((fault) => `the database holds the client ${id}: ${fault}`));
    if (isProduction && (await stores.clients.checkSecret(id, DEVELOPMENT_SECRET, now))) {
      faults.push(`the database holds the development secret of ${id}`);
    }
  }
  if (isProduction && !demo) faults.push(...(await demoDataIn(stores)));
  if (faults.length > 0) throw new SettingsError(faults);
}

/** Users who can still sign in with a known password, and the client whose key lies in a demo's folder. */
async function demoDataIn({ users, clients }: Stores): Promise<string[]> {
  const faults: string[] = [];
  for (const { id, name, password } of DEMO_USERS) {
    if ((await users.findById(id))?.disabled !== false) continue;
    if ((await users.authenticate(name, password)) === undefined) continue;
    faults.push(`the database holds the demo's user ${name} (the command "user disable ${name}" ends that)`);
  }
  const jwtClient = await clients.find(JWT_CLIENT);
  if (
    jwtClient?.disabled === false &&
    JSON.stringify(jwtClient.metadata['jwks']).includes(`"${JWT_CLIENT}"`)
  ) {
    faults.push(
      `the database holds the demo's client ${JWT_CLIENT} (the command "client disable ${JWT_CLIENT}" ends that)`,
    );
  }
  return faults;
}
