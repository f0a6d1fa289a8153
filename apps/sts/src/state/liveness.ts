import { createStatement } from '@behalf/database';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { isUnregisteredClient } from '../registry/clients.ts';
import { isExternalTokenId, type StsSchema } from './schema.ts';

/** `unknown`: never issued here. The other details say what ended the token, for the log. */
export type TokenStatus =
  | {
      readonly active: true;
      /** The user has blocked the next actor at the next audience. False when none was asked about. */
      readonly isBlocked: boolean;
    }
  | {
      readonly active: false;
      readonly detail:
        | 'unknown'
        | 'expired'
        | 'revoked'
        | 'session_ended'
        | 'grant_ended'
        | 'subject_disabled'
        | 'client_disabled';
    };

/** A token or one of its ancestors, with everything that it hangs from. */
export interface Ancestor {
  /** The jti that was asked about. */
  readonly leaf: string;
  readonly depth: number;
  readonly parent: string | null;
  readonly subject: string | null;
  readonly session: string | null;
  readonly client_id: string;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly login_subject: string | null;
  /** Its user's and the server's generation are still those of the sign-in. */
  readonly login_is_current: number | boolean | null;
  readonly login_expires_at: number | null;
  readonly login_ended_at: number | null;
  readonly grant_ended_at: number | null;
  readonly block_expires_at: number | null;
  readonly next_block_expires_at: number | null;
  readonly user_disabled: number | null;
  readonly client_disabled: number | null;
  readonly issued_client_generation: number | null;
  readonly client_generation: number | null;
  readonly issued_server_generation: number | null;
  readonly server_generation: number;
}

/** No chain is longer; the bound limits the work on a ledger that was tampered with. */
export const MAXIMUM_ANCESTORS = 40;

/**
 * A token and all its ancestors, in one statement: `(jti, next actor, next audience)`. Empty text for the last two asks
 * about no block.
 */
export function createAncestorsOf(db: Kysely<StsSchema>) {
  return createStatement<Ancestor, StsSchema>(db, (parameter) =>
    ancestorsQuery(parameter(0), parameter(1), parameter(2)),
  );
}

/** The status of several tokens, in one statement. A jti that was never issued here is not among them. */
export async function statusesOf(
  db: Kysely<StsSchema>,
  jtis: readonly string[],
  now: number,
): Promise<ReadonlyMap<string, TokenStatus>> {
  if (jtis.length === 0) return new Map();
  const { rows } = await ancestorsQuery(sql.join(jtis), sql.lit(''), sql.lit('')).execute(db);
  const byLeaf = Map.groupBy(rows, ({ leaf }) => leaf);
  return new Map([...byLeaf].map(([jti, ancestors]) => [jti, evaluate(ancestors, now)]));
}

function ancestorsQuery(
  jtis: RawBuilder<unknown>,
  actor: RawBuilder<unknown>,
  audience: RawBuilder<unknown>,
): RawBuilder<Ancestor> {
  return sql<Ancestor>`
    with recursive token (leaf, depth, parent, subject, session, grant_id, client_id, actor, audience,
      expires_at, revoked_at, server_generation, client_generation) as (
      select id, 0, parent, subject, session, grant_id, client_id, actor, audience,
        expires_at, revoked_at, server_generation, client_generation
      from ledger where id in (${jtis}) and outcome = 'issued'
      union all
      select token.leaf, token.depth + 1, up.parent, up.subject, up.session, up.grant_id, up.client_id, up.actor,
        up.audience, up.expires_at, up.revoked_at, up.server_generation, up.client_generation
      from token join ledger up on up.id = token.parent and up.outcome = 'issued'
      where token.depth < ${sql.lit(MAXIMUM_ANCESTORS)}
    )
    select token.leaf, token.depth, token.parent, token.subject, token.session, token.client_id,
      token.expires_at, token.revoked_at,
      token.server_generation as issued_server_generation, token.client_generation as issued_client_generation,
      logins.subject as login_subject, logins.expires_at as login_expires_at, logins.ended_at as login_ended_at,
      logins.server_generation = server.generation and logins.user_generation = users.generation as login_is_current,
      grant_ends.ended_at as grant_ended_at,
      block.expires_at as block_expires_at, next_block.expires_at as next_block_expires_at,
      users.disabled as user_disabled, clients.disabled as client_disabled, clients.generation as client_generation,
      server.generation as server_generation
    from token
    join server on 1 = 1
    left join logins on logins.session = token.session
    left join grant_ends on grant_ends.grant_id = token.grant_id
    left join delegation_blocks block on block.subject = token.subject
      and block.session = coalesce(token.session, '') and block.actor = token.actor and block.audience = token.audience
    left join delegation_blocks next_block on next_block.subject = token.subject
      and next_block.session = coalesce(token.session, '')
      and next_block.actor = ${actor} and next_block.audience = ${audience}
    left join users on users.id = token.subject
    left join clients on clients.id = token.client_id
    order by token.depth`;
}

/**
 * Evaluates a token with its ancestors, from the token to its root. A missing row makes the token inactive; only the
 * internal clients have none.
 */
export function evaluate(ancestors: readonly Ancestor[], now: number): TokenStatus {
  const [token] = ancestors;
  const root = ancestors.at(-1);
  if (token === undefined || root === undefined) return inactive('unknown');
  if (token.expires_at === null || token.expires_at <= now) return inactive('expired');
  for (const ancestor of ancestors) {
    const detail = endOf(ancestor, now);
    if (detail !== undefined) return inactive(detail);
  }
  // The chain must reach its root: a token of a login or of a client itself, or the token of a trusted issuer.
  if (root.parent !== null && !isExternalTokenId(root.parent)) return inactive('unknown');
  return { active: true, isBlocked: isAhead(token.next_block_expires_at, now) };
}

type Detail = (TokenStatus & { active: false })['detail'];

function endOf(token: Ancestor, now: number): Detail | undefined {
  if (token.revoked_at !== null || token.issued_server_generation !== token.server_generation)
    return 'revoked';
  // A block counts for every token of that actor there, also for one that was being issued when it was set.
  if (isAhead(token.block_expires_at, now)) return 'revoked';
  if (token.grant_ended_at !== null) return 'grant_ended';
  if (!isClientActive(token)) return 'client_disabled';
  if (token.subject !== null && token.user_disabled !== 0) return 'subject_disabled';
  if (token.session !== null && !isSessionActive(token, now)) return 'session_ended';
  return undefined;
}

/** The client is enabled, and has been since the token was issued. One that the database should have and has not is not active. */
function isClientActive(token: Ancestor): boolean {
  const { client_generation: current, issued_client_generation: issued } = token;
  if (current === null && issued === null) return isUnregisteredClient(token.client_id);
  return token.client_disabled === 0 && issued === current;
}

function isSessionActive(token: Ancestor, now: number): boolean {
  if (token.login_ended_at !== null || token.login_subject !== token.subject) return false;
  if (token.login_is_current !== true && token.login_is_current !== 1) return false;
  return isAhead(token.login_expires_at, now);
}

function isAhead(time: number | null, now: number): boolean {
  return time !== null && time > now;
}

function inactive(detail: Detail): TokenStatus {
  return { active: false, detail };
}
