import type { ClientStore, UserStore } from '../storage/types.ts';
import type { DevelopmentClient } from './clients.ts';
import type { DevelopmentUser } from './users.ts';

/**
 * Puts the development registry into the stores. Safe to repeat on every start, and on several replicas at once: what an
 * operator changed since (a password, a disabled user or client) stays as it is, clients' metadata follow the code.
 */
export async function seedDevelopment(
  stores: { readonly users: UserStore; readonly clients: ClientStore },
  registry: {
    readonly users: readonly DevelopmentUser[];
    readonly clients: readonly DevelopmentClient[];
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

async function addOnce(users: UserStore, { mayAct, ...user }: DevelopmentUser): Promise<void> {
  if ((await users.findById(user.id)) !== undefined) return;
  try {
    await users.add({ ...user, ...(mayAct === undefined ? {} : { mayAct: { ...mayAct } }) });
  } catch (error) {
    // Another replica was faster.
    if ((await users.findById(user.id)) === undefined) throw error;
  }
}
