import { parseArgs } from 'node:util';
import type { OperatorRow } from '../ledger/queries.ts';
import type { State } from '../open-state.ts';
import { oneName, type Command } from './context.ts';
import { timeOf } from './keys.ts';

const PAGE = 100;

/**
 * `ledger [--subject <sub or user name>] [--json]`: every row, newest first; with `--json` one object per line, and nothing
 * else.
 */
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

/** A user's name is as good as the `sub`; rows of a user who is gone are found by `sub` alone. */
async function subjectOf(nameOrSubject: string, { users }: State): Promise<string> {
  return (await users.findByName(nameOrSubject))?.id ?? nameOrSubject;
}

/** `explain <jti or request id>`: what was asked, what became of it, and why. */
export const explain: Command = async (args, { state, print, now }) => {
  const { rows, liveness } = await state.queries.explain(oneName(args, 'jti or request id'), now());
  if (rows.length === 0) print('nothing is recorded under this name');
  for (const row of rows) {
    print(lineOf(row));
    if (row.outcome === 'refused') {
      print(`  error ${row.error ?? '-'}, told ${row.reason ?? '-'}, because of ${row.cause ?? '-'}`);
    }
  }
  if (liveness !== null)
    print(liveness.live ? 'the token still holds' : `the token holds no more: ${liveness.cause}`);
};

function lineOf(row: OperatorRow): string {
  const actors = row.actors.length === 0 ? 'nobody acting' : `by ${row.actors.join(' < ')}`;
  const audience = row.audience === null ? '' : ` at ${row.audience}`;
  const ended = row.revoked_at === null ? '' : `, revoked ${timeOf(row.revoked_at)}`;
  return `${timeOf(row.at)}  ${row.outcome}  ${row.grant_type}  ${row.client_id}${audience} [${row.scope}], for ${row.subject ?? 'itself'}, ${actors}${ended}  ${row.jti}`;
}
