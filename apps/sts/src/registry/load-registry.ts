import { SettingsError } from '@behalf/service';
import type { Config } from '../config.ts';
import type { ClientStore } from '../state/clients.ts';
import type { UserStore } from '../state/users.ts';
import { createApiRegistry, createApis, type ApiRegistry } from './apis.ts';
import { DEVELOPMENT_SECRET, type ClientRegistration, createClients, registrationFaults } from './clients.ts';
import { validatePolicy, DELEGATION_POLICY } from './delegation-policy.ts';
import {
  DEMO_USERS,
  createDemoPartner,
  type DemoUser,
  loadDemoKeys,
  type TrustedIssuer,
} from './users-and-issuers.ts';

/** Whom this server knows, as far as it is configuration and not the database. */
export interface Registry {
  readonly apis: ApiRegistry;
  readonly trustedIssuers: readonly TrustedIssuer[];
  /** To be found in the database after a start. */
  readonly clients: readonly ClientRegistration[];
  readonly users: readonly DemoUser[];
}

/** Clients and issuers that only examples use: their keys are made on this machine. */
const JWT_CLIENT = 'jwt.client';

const DEMO_CLIENTS = new Set(['machine.client', JWT_CLIENT]);

/** Puts the registry together; the demo's users, clients and partner are part of it only when they are asked for. */
export async function loadRegistry(config: Config): Promise<Registry> {
  const apis = createApiRegistry(createApis(config.registry));
  validatePolicy(DELEGATION_POLICY, apis);
  const secrets = new Map(Object.entries(config.clientSecrets));
  const withSecrets = (clients: readonly ClientRegistration[]) =>
    clients.map((client) => {
      const secret = secrets.get(client.id);
      return client.secret === undefined || secret === undefined ? client : { ...client, secret };
    });
  if (!config.demo) {
    const clients = createClients(config.registry, { jwtClient: {} });
    return {
      apis,
      trustedIssuers: [],
      clients: withSecrets(clients.filter(({ id }) => !DEMO_CLIENTS.has(id))),
      users: [],
    };
  }
  const keys = await loadDemoKeys(config.dataDirectory);
  return {
    apis,
    trustedIssuers: [createDemoPartner({ audience: config.registry.issuer, publicKey: keys.partner })],
    clients: withSecrets(createClients(config.registry, keys)),
    users: DEMO_USERS,
  };
}

interface Stores {
  readonly users: UserStore;
  readonly clients: ClientStore;
}

/**
 * Puts into the stores what is missing there. Throws SettingsError when a client of the registry could not work, when
 * production would run on a development secret, or with what a demonstration has left in its database.
 */
export async function seedRegistry(
  registry: Registry,
  stores: Stores,
  options: Pick<Config, 'isProduction' | 'demo'> & { readonly now: number },
): Promise<void> {
  const { isProduction, demo, now } = options;
  const rules = { apis: registry.apis, permitsPlainHttp: !isProduction };
  const unfit = registry.clients.flatMap((client) =>
    registrationFaults(client, rules).map((fault) => `${client.id}: ${fault}`),
  );
  if (unfit.length > 0) throw new SettingsError(unfit);
  await seedStores(stores, { users: registry.users, clients: registry.clients, now });
  if (!isProduction) return;
  const faults = await developmentSecretsIn(stores, now);
  if (!demo) faults.push(...(await demoDataIn(stores)));
  if (faults.length > 0) throw new SettingsError(faults);
}

async function developmentSecretsIn({ clients }: Stores, now: number): Promise<string[]> {
  const faults: string[] = [];
  for (const { id } of await clients.list()) {
    if (await clients.checkSecret(id, DEVELOPMENT_SECRET, now)) {
      faults.push(`the database holds the development secret of ${id}`);
    }
  }
  return faults;
}

/** Whoever can still sign in with a password that everybody knows, and the client whose key lies in a demo's folder. */
async function demoDataIn({ users, clients }: Stores): Promise<string[]> {
  const faults: string[] = [];
  for (const { id, name, password } of DEMO_USERS) {
    if ((await users.findById(id))?.disabled !== false) continue;
    if ((await users.authenticate(name, password)) === undefined) continue;
    faults.push(
      `the database holds the demo's ${name} (DEMO_DATA=on pnpm sts user disable ${name} mends that)`,
    );
  }
  const jwtClient = await clients.find(JWT_CLIENT);
  if (jwtClient?.disabled === false && JSON.stringify(jwtClient.metadata['jwks']).includes(`"${JWT_CLIENT}"`))
    faults.push(
      `the database holds the demo's ${JWT_CLIENT} (DEMO_DATA=on pnpm sts client disable ${JWT_CLIENT} mends that)`,
    );
  return faults;
}

/** The clients that act for an API. */
export function clientIdsFor(apis: ApiRegistry, audience: string): readonly string[] {
  return apis.find(audience)?.clients.map(({ id }) => id) ?? [];
}

/**
 * Puts the development registry into the stores. Safe to repeat on every start, and on several replicas at once: what an
 * operator changed since (a password, a disabled user or client) stays as it is, clients' metadata follow the code.
 */
export async function seedStores(
  stores: { readonly users: UserStore; readonly clients: ClientStore },
  registry: {
    readonly users: readonly DemoUser[];
    readonly clients: readonly ClientRegistration[];
    /** Epoch seconds. */
    readonly now: number;
  },
): Promise<void> {
  for (const user of registry.users) await addOnce(stores.users, user);
  for (const { secret, ...client } of registry.clients) {
    await stores.clients.upsert(client);
    if (secret === undefined) continue;
    if (await stores.clients.checkSecret(client.id, secret, registry.now)) continue;
    await stores.clients.addSecret(client.id, secret);
  }
}

async function addOnce(users: UserStore, { mayAct, ...user }: DemoUser): Promise<void> {
  if ((await users.findById(user.id)) !== undefined) return;
  try {
    await users.add({ ...user, ...(mayAct === undefined ? {} : { mayAct: { ...mayAct } }) });
  } catch (error) {
    // Another replica was faster.
    if ((await users.findById(user.id)) === undefined) throw error;
  }
}
