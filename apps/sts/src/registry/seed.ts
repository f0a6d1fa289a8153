import type { ClientStore, UserStore } from '../storage/types.ts';
import type { DevelopmentClient } from './clients.ts';
import type { DevelopmentUser } from './users.ts';

/**
 * Puts the development registry into the stores. Safe to repeat on every start: what an operator changed since (a
 * password, a disabled user or client) stays as it is, clients' metadata follow the code.
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
  for (const user of registry.users) {
    if ((await stores.users.findById(user.id)) !== undefined) continue;
    const { mayAct, ...rest } = user;
    await stores.users.add({ ...rest, ...(mayAct === undefined ? {} : { mayAct: { ...mayAct } }) });
  }
  for (const { secret, ...client } of registry.clients) {
    await stores.clients.upsert(client);
    if (secret === undefined) continue;
    if (await stores.clients.checkSecret(client.id, secret, registry.now)) continue;
    await stores.clients.addSecret(client.id, secret);
  }
}
