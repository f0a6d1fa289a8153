import { type Kysely, sql } from 'kysely';
import type { StsSchema } from './schema.ts';

export type TokenStatus =
  | { readonly active: true }
  /** `unknown`: never issued here. The rest say what ended it, for the log. */
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

/** One token on the way up, with what it hangs from. */
interface Ancestor {
  readonly depth: number;
  readonly parent: string | null;
  readonly subject: string | null;
  readonly session: string | null;
  readonly at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly login_subject: string | null;
  readonly signed_in_at: number | null;
  readonly login_expires_at: number | null;
  readonly login_ended_at: number | null;
  readonly grant_ended_at: number | null;
  readonly blocked_at: number | null;
  readonly user_disabled: number | null;
  readonly client_disabled: number | null;
  readonly not_before: number | null;
}

/** No chain is longer; it only bounds the work on a ledger that was tampered with. */
export const MAXIMUM_ANCESTORS = 40;

/** A token and all its ancestors, in one statement. */
export async function ancestorsOf(db: Kysely<StsSchema>, jti: string): Promise<readonly Ancestor[]> {
  const { rows } = await sql<Ancestor>`
    with recursive token (depth, parent, subject, session, grant_id, client_id, actor, audience, at, expires_at, revoked_at) as (
      select 0, parent, subject, session, grant_id, client_id, actor, audience, at, expires_at, revoked_at
      from ledger where id = ${jti} and outcome = 'issued'
      union all
      select token.depth + 1, up.parent, up.subject, up.session, up.grant_id, up.client_id, up.actor, up.audience,
        up.at, up.expires_at, up.revoked_at
      from token join ledger up on up.id = token.parent and up.outcome = 'issued'
      where token.depth < ${sql.lit(MAXIMUM_ANCESTORS)}
    )
    select token.depth, token.parent, token.subject, token.session, token.at, token.expires_at, token.revoked_at,
      logins.subject as login_subject, logins.signed_in_at, logins.expires_at as login_expires_at,
      logins.ended_at as login_ended_at, grant_ends.ended_at as grant_ended_at,
      delegation_blocks.created_at as blocked_at,
      users.disabled as user_disabled, clients.disabled as client_disabled, global_revocation.not_before
    from token
    left join logins on logins.session = token.session
    left join grant_ends on grant_ends.grant_id = token.grant_id
    left join delegation_blocks on delegation_blocks.session = token.session and delegation_blocks.actor = token.actor and delegation_blocks.audience = token.audience
    left join users on users.id = token.subject
    left join clients on clients.id = token.client_id
    left join global_revocation on 1 = 1
    order by token.depth`.execute(db);
  return rows;
}

/** Judges the way up, from the token to its root. Anything that is missing on the way counts against the token. */
export function evaluate(steps: readonly Ancestor[], now: number): TokenStatus {
  const [token] = steps;
  const root = steps.at(-1);
  if (token === undefined || root === undefined) return inactive('unknown');
  if (token.expires_at === null || token.expires_at <= now) return inactive('expired');
  for (const step of steps) {
    const verdict = evaluateAncestor(step, now);
    if (!verdict.active) return verdict;
  }
  // The chain must reach its beginning: a login or client's token, or the token of a trusted issuer, `<issuer>#<jti>`.
  if (root.parent !== null && !isExternal(root.parent)) return inactive('unknown');
  return { active: true };
}

function evaluateAncestor(step: Ancestor, now: number): TokenStatus {
  // A bar holds for every token of that actor there, also for one that was being issued when it was set.
  if (step.revoked_at !== null || step.blocked_at !== null) return inactive('revoked');
  if (step.grant_ended_at !== null) return inactive('grant_ended');
  if (step.client_disabled !== null && step.client_disabled !== 0) return inactive('client_disabled');
  if (step.subject !== null && step.user_disabled !== 0) return inactive('subject_disabled');
  if (step.session !== null && !isSessionActive(step, now)) return inactive('session_ended');
  if (step.not_before !== null && step.at < step.not_before) return inactive('revoked');
  return { active: true };
}

function isSessionActive(step: Ancestor, now: number): boolean {
  if (step.login_ended_at !== null || step.login_subject !== step.subject) return false;
  if (step.login_expires_at === null || step.login_expires_at <= now) return false;
  return step.not_before === null || (step.signed_in_at ?? 0) >= step.not_before;
}

/** Parents that are tokens of a trusted issuer. Our own jti never contains "#". */
function isExternal(parent: string): boolean {
  return parent.includes('#');
}

function inactive(detail: Extract<TokenStatus, { active: false }>['detail']): TokenStatus {
  return { active: false, detail };
}
