import { parseArgs } from 'node:util';
import { dryRun } from '../registry/dry-run.ts';
import type { OperatorRow } from '../state/queries.ts';
import type { State } from '../state/state.ts';
import { type Command, CommandError, oneName, timeOf } from './command.ts';

const PAGE = 100;

/** `ledger [--subject <sub or user name>] [--json]`: every row, newest first; with `--json` one object per line and nothing else. */
export const ledger: Command = async (args, { state, print }) => {
  const { values } = parseArgs({
    args: [...args],
    options: { subject: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const filter = values.subject === undefined ? {} : { subject: await subjectOf(values.subject, state) };
  let isEmpty = true;
  let cursor: string | undefined;
  do {
    const page = await state.queries.list(filter, {
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const row of page?.rows ?? []) {
      print(values.json ? JSON.stringify(row) : lineOf(row));
      isEmpty = false;
    }
    cursor = page?.next ?? undefined;
  } while (cursor !== undefined);
  if (isEmpty && !values.json) print('nothing is recorded');
};

/** A user name stands for its `sub`; rows of a user who was removed are found by `sub` alone. */
async function subjectOf(nameOrSubject: string, { users }: State): Promise<string> {
  return (await users.findByName(nameOrSubject))?.id ?? nameOrSubject;
}

/** `explain <jti or request id>`: the rows of a token or a request, and why it was refused or is inactive. */
export const explain: Command = async (args, { state, print }) => {
  const { rows, status } = await state.queries.explain(oneName(args, 'jti or request id'));
  if (rows.length === 0) print('nothing is recorded under this name');
  for (const row of rows) {
    print(lineOf(row));
    if (row.outcome === 'refused') {
      print(`  error ${row.error ?? '-'}, reason ${row.reason ?? '-'}, detail ${row.detail ?? '-'}`);
    }
  }
  if (status !== null)
    print(status.active ? 'the token is active' : `the token is inactive: ${status.detail}`);
};

function lineOf(row: OperatorRow): string {
  const actors = row.actors.length === 0 ? 'no actor' : `by ${row.actors.join(' < ')}`;
  const audience = row.audience === null ? '' : ` at ${row.audience}`;
  const ended = row.revoked_at === null ? '' : `, revoked ${timeOf(row.revoked_at)}`;
  return `${timeOf(row.at)}  ${row.outcome}  ${row.grant_type}  ${row.client_id}${audience} [${row.scope}], for ${row.subject ?? 'itself'}, ${actors}${ended}  ${row.jti}`;
}

const USAGE =
  'policy check --actor <client> --grant <grant type> --from <api> [--subject user|client] [--having <scope> …] [--to <api>] [--scope <scope> …] [--chain <client> …] [--dpop]';

/** `policy check …`: the decision of the delegation policy, without a token and without issuing anything. */
export const policy: Command = async ([action, ...args], context) => {
  if (action !== 'check') throw new CommandError(USAGE);
  const { values } = parseArgs({
    args,
    options: {
      actor: { type: 'string' },
      grant: { type: 'string', default: 'delegation' },
      from: { type: 'string' },
      subject: { type: 'string', default: 'user' },
      having: { type: 'string', multiple: true },
      to: { type: 'string' },
      scope: { type: 'string', multiple: true, default: [] },
      chain: { type: 'string', multiple: true, default: [] },
      dpop: { type: 'boolean', default: false },
    },
  });
  const { apis } = context.registry;
  if (values.actor === undefined || values.from === undefined) throw new CommandError(USAGE);
  const actor = await context.state.clients.find(values.actor);
  if (actor === undefined) throw new CommandError(`there is no client ${values.actor}`);
  const from = apis.find(values.from);
  if (from === undefined) throw new CommandError(`there is no API ${values.from}`);
  const target = values.to === undefined ? undefined : apis.find(values.to)?.identifier;
  if (values.to !== undefined && target === undefined) throw new CommandError(`there is no API ${values.to}`);

  const decision = dryRun({
    policy: context.registry.policy,
    apis,
    grantType: values.grant,
    actor: { id: actor.id, scopes: actor.scopes },
    subjectToken: {
      audience: from.identifier,
      subject: values.subject === 'client' ? 'client' : 'user',
      scopes: values.having ?? from.scopes,
      actors: values.chain,
    },
    target,
    scopes: values.scope,
    hasDpopProof: values.dpop,
  });
  context.print(
    decision.ok
      ? `permitted: a token for ${decision.target} with ${decision.scopes.join(' ')}`
      : `refused (${decision.fault}): ${decision.description}`,
  );
};
