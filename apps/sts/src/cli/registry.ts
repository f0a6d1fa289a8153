import { isDeepStrictEqual } from 'node:util';
import type { Environment } from '@behalf/service';
import { loadConfig } from '../config.ts';
import { loadRegistry, type Registry } from '../registry/load-registry.ts';
import { CommandError } from './command.ts';

const USAGE = 'registry show | registry validate <file> | registry diff <file>';

/**
 * `registry show`: the registry that the settings name, as a file to begin with. `registry validate <file>`: every fault of a
 * file. `registry diff <file>`: what would change with it, a line for each part. None of them opens a database. Throws
 * SettingsError for a file that no server would start with.
 */
export async function registry(
  args: readonly string[],
  environment: Environment,
  print: (line: string) => void,
): Promise<void> {
  const [action, file, ...rest] = args;
  const { REGISTRY: _text, ...others } = environment;
  // Without the demo, which brings generated keys, and is for no file.
  const load = (settings: Environment) => loadRegistry(loadConfig({ ...settings, DEMO_DATA: 'off' }));
  if (action === 'show' && file === undefined) {
    return print(JSON.stringify(fileOf(await load(environment)), undefined, 2));
  }
  if (file === undefined || rest.length > 0) throw new CommandError(USAGE);
  const next = await load({ ...others, REGISTRY_FILE: file });
  if (action === 'validate') {
    const { apis, clients, delegationPolicy, trustedIssuers } = fileOf(next);
    return print(
      `${file} is usable: ${apis.length} APIs, ${clients.length} clients, ${delegationPolicy.length} rows of policy, ${trustedIssuers.length} trusted issuers`,
    );
  }
  if (action !== 'diff') throw new CommandError(USAGE);
  const lines = differences(fileOf(await load(environment)), fileOf(next));
  for (const line of lines.length === 0 ? ['nothing changes'] : lines) print(line);
}

/** The tables as a file has them. */
function fileOf({ apis, clients, policy, trustedIssuers }: Registry) {
  return {
    apis: apis.all.slice(1),
    clients: clients.map(({ id, firstParty, scopes, metadata: { client_id: _id, ...metadata } }) => ({
      id,
      firstParty,
      scopes,
      metadata,
    })),
    delegationPolicy: policy,
    trustedIssuers,
  };
}

type Tables = ReturnType<typeof fileOf>;

/** `+` is new, `-` is gone, `~` is another one under the same name. A row of the policy has no name: it is new or gone. */
function differences(now: Tables, next: Tables): readonly string[] {
  return [
    ...named('API', now.apis, next.apis, ({ name }) => name),
    ...named('client', now.clients, next.clients, ({ id }) => id),
    ...named('trusted issuer', now.trustedIssuers, next.trustedIssuers, ({ issuer }) => issuer),
    ...without(now.delegationPolicy, next.delegationPolicy).map((rule) => `- policy ${JSON.stringify(rule)}`),
    ...without(next.delegationPolicy, now.delegationPolicy).map((rule) => `+ policy ${JSON.stringify(rule)}`),
  ];
}

function named<Entry extends object>(
  kind: string,
  now: readonly Entry[],
  next: readonly Entry[],
  nameOf: (entry: Entry) => string,
): readonly string[] {
  const before = new Map(now.map((entry) => [nameOf(entry), entry]));
  const after = new Map(next.map((entry) => [nameOf(entry), entry]));
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [old, changed] = [before.get(name), after.get(name)];
    if (old === undefined) return [`+ ${kind} ${name} ${JSON.stringify(changed)}`];
    if (changed === undefined) return [`- ${kind} ${name}`];
    return isDeepStrictEqual(old, changed) ? [] : [`~ ${kind} ${name} ${membersThatDiffer(old, changed)}`];
  });
}

function membersThatDiffer(old: object, changed: object): string {
  const [before, after] = [old, changed] as Readonly<Record<string, unknown>>[];
  return [...new Set([...Object.keys(old), ...Object.keys(changed)])]
    .filter((name) => !isDeepStrictEqual(before?.[name], after?.[name]))
    .map((name) => `${name}: ${JSON.stringify(before?.[name])} -> ${JSON.stringify(after?.[name])}`)
    .join(', ');
}

function without<Entry>(entries: readonly Entry[], others: readonly Entry[]): readonly Entry[] {
  return entries.filter((entry) => !others.some((other) => isDeepStrictEqual(entry, other)));
}
