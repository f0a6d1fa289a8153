import { type Kysely, sql } from 'kysely';
import { isUnregisteredClient } from '../registry/clients.ts';
import { isExternalTokenId, type StsSchema } from './schema.ts';

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
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly login_subject: string | null;
  readonly login_is_current: number | boolean | null;
  readonly login_expires_at: number | null;
  readonly login_ended_at: number | null;
  readonly grant_ended_at: number | null;
  readonly block_expires_at: number | null;
  readonly user_disabled: number | null;
  readonly client_id: string;
  readonly client_disabled: number | null;
  readonly issued_client_generation: number | null;
  readonly client_generation: number | null;
  readonly issued_server_generation: number | null;
  readonly server_generation: number;
}

/** No chain is longer; it only bounds the work on a ledger that was tampered with. */
export const MAXIMUM_ANCESTORS = 40;

/** A token and all its ancestors, in one statement. */
export async function ancestorsOf(db: Kysely<StsSchema>, jti: string): Promise<readonly Ancestor[]> {
  const { rows } = await sql<Ancestor>`
    with recursive token (depth, parent, subject, session, grant_id, client_id, actor, audience,
        expires_at, revoked_at, server_generation, client_generation) as (
      select 0, parent, subject, session, grant_id, client_id, actor, audience,
        expires_at, revoked_at, server_generation, client_generation
      from ledger where id = ${jti} and outcome = 'issued'
      union all
      select token.depth + 1, up.parent, up.subject, up.session, up.grant_id, up.client_id, up.actor, up.audience,
        up.expires_at, up.revoked_at, up.server_generation, up.client_generation
      from token join ledger up on up.id = token.parent and up.outcome = 'issued'
      where token.depth < ${sql.lit(MAXIMUM_ANCESTORS)}
    )
    select token.depth, token.parent, token.subject, token.session, token.client_id, token.expires_at, token.revoked_at,
      token.server_generation as issued_server_generation, token.client_generation as issued_client_generation,
      logins.subject as login_subject, logins.expires_at as login_expires_at, logins.ended_at as login_ended_at,
      logins.server_generation = server.generation and logins.user_generation = users.generation as login_is_current,
      grant_ends.ended_at as grant_ended_at, delegation_blocks.expires_at as block_expires_at,
      users.disabled as user_disabled, clients.disabled as client_disabled, clients.generation as client_generation,
      server.generation as server_generation
    from token
    join server on 1 = 1
    left join logins on logins.session = token.session
    left join grant_ends on grant_ends.grant_id = token.grant_id
    left join delegation_blocks on delegation_blocks.subject = token.subject
      and delegation_blocks.session = coalesce(token.session, '')
      and delegation_blocks.actor = token.actor and delegation_blocks.audience = token.audience
    left join users on users.id = token.subject
    left join clients on clients.id = token.client_id
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
  if (root.parent !== null && !isExternalTokenId(root.parent)) return inactive('unknown');
  return { active: true };
}

function evaluateAncestor(step: Ancestor, now: number): TokenStatus {
  if (step.issued_server_generation !== step.server_generation || step.revoked_at !== null) {
    return inactive('revoked');
  }
  // A block counts for every token of that actor there, also for one that was being issued when it was set.
  if (step.block_expires_at !== null && step.block_expires_at > now) return inactive('revoked');
  if (step.grant_ended_at !== null) return inactive('grant_ended');
  if (!isClientActive(step)) return inactive('client_disabled');
  if (step.subject !== null && step.user_disabled !== 0) return inactive('subject_disabled');
  if (step.session !== null && !isSessionActive(step, now)) return inactive('session_ended');
  return { active: true };
}

/** The client is enabled, and has been ever since the token was issued. One that is gone from the database is not. */
function isClientActive(step: Ancestor): boolean {
  if (isUnregisteredClient(step.client_id)) return true;
  return step.client_disabled === 0 && step.issued_client_generation === step.client_generation;
}

function isSessionActive(step: Ancestor, now: number): boolean {
  if (step.login_ended_at !== null || step.login_subject !== step.subject) return false;
  if (step.login_is_current !== true && step.login_is_current !== 1) return false;
  return step.login_expires_at !== null && step.login_expires_at > now;
}

function inactive(detail: Extract<TokenStatus, { active: false }>['detail']): TokenStatus {
  return { active: false, detail };
}
