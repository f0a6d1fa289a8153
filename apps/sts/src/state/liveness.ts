import { createStatement } from '@behalf/database';
import { type Kysely, sql } from 'kysely';
import { USER_SUBSCRIPTION_CLIENT } from '../registry/clients.ts';
import type { StsSchema } from './schema.ts';

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
  readonly depth: number;
  readonly parent: string | null;
  readonly subject: string | null;
  readonly session: string | null;
  readonly client_id: string;
  readonly at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly login_subject: string | null;
  readonly signed_in_at: number | null;
  readonly login_expires_at: number | null;
  readonly login_ended_at: number | null;
  readonly grant_ended_at: number | null;
  readonly blocked_at: number | null;
  readonly next_blocked_at: number | null;
  readonly user_disabled: number | null;
  readonly client_disabled: number | null;
  readonly not_before: number | null;
}

/** No chain is longer; the bound limits the work on a ledger that was tampered with. */
export const MAXIMUM_ANCESTORS = 40;

/**
 * A token and all its ancestors, in one statement: `(jti, next actor, next audience)`. Empty text for the last two asks
 * about no block.
 */
export function createAncestorsOf(db: Kysely<StsSchema>) {
  return createStatement<Ancestor, StsSchema>(
    db,
    (parameter) => sql<Ancestor>`
    with recursive token (depth, parent, subject, session, grant_id, client_id, actor, audience, at, expires_at, revoked_at) as (
      select 0, parent, subject, session, grant_id, client_id, actor, audience, at, expires_at, revoked_at
      from ledger where id = ${parameter(0)} and outcome = 'issued'
      union all
      select token.depth + 1, up.parent, up.subject, up.session, up.grant_id, up.client_id, up.actor, up.audience,
        up.at, up.expires_at, up.revoked_at
      from token join ledger up on up.id = token.parent and up.outcome = 'issued'
      where token.depth < ${sql.lit(MAXIMUM_ANCESTORS)}
    )
    select token.depth, token.parent, token.subject, token.session, token.client_id, token.at, token.expires_at, token.revoked_at,
      logins.subject as login_subject, logins.signed_in_at, logins.expires_at as login_expires_at,
      logins.ended_at as login_ended_at, grant_ends.ended_at as grant_ended_at,
      block.created_at as blocked_at, next_block.created_at as next_blocked_at,
      users.disabled as user_disabled, clients.disabled as client_disabled, global_revocation.not_before
    from token
    left join logins on logins.session = token.session
    left join grant_ends on grant_ends.grant_id = token.grant_id
    left join delegation_blocks block on block.session = token.session and block.actor = token.actor
      and block.audience = token.audience
    left join delegation_blocks next_block on next_block.session = token.session
      and next_block.actor = ${parameter(1)} and next_block.audience = ${parameter(2)}
    left join users on users.id = token.subject
    left join clients on clients.id = token.client_id
    left join global_revocation on 1 = 1
    order by token.depth`,
  );
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
  if (root.parent !== null && !isExternal(root.parent)) return inactive('unknown');
  return { active: true, isBlocked: token.next_blocked_at !== null };
}

type Detail = (TokenStatus & { active: false })['detail'];

function endOf(token: Ancestor, now: number): Detail | undefined {
  // A block counts for every token of that actor there, also for one that was being issued when it was set.
  if (token.revoked_at !== null || token.blocked_at !== null) return 'revoked';
  if (token.grant_ended_at !== null) return 'grant_ended';
  if (token.client_disabled !== 0 && !isInternal(token)) return 'client_disabled';
  if (token.subject !== null && token.user_disabled !== 0) return 'subject_disabled';
  if (token.session !== null && !isSessionActive(token, now)) return 'session_ended';
  return token.not_before !== null && token.at < token.not_before ? 'revoked' : undefined;
}

/** A client that only this server acts as is never registered. */
function isInternal({ client_id, client_disabled }: Ancestor): boolean {
  return client_disabled === null && client_id === USER_SUBSCRIPTION_CLIENT.id;
}

function isSessionActive(token: Ancestor, now: number): boolean {
  if (token.login_ended_at !== null || token.login_subject !== token.subject) return false;
  if (token.login_expires_at === null || token.login_expires_at <= now) return false;
  return token.not_before === null || (token.signed_in_at ?? 0) >= token.not_before;
}

/** Parents that are tokens of a trusted issuer. A jti of ours never contains `#`. */
function isExternal(parent: string): boolean {
  return parent.includes('#');
}

function inactive(detail: Detail): TokenStatus {
  return { active: false, detail };
}
