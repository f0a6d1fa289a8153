import { type Kysely, sql } from 'kysely';
import type { StsSchema } from './schema.ts';

export type Liveness =
  | { readonly live: true }
  /** `unknown`: never issued here. The rest say what ended it, for the log. */
  | {
      readonly live: false;
      readonly cause:
        | 'unknown'
        | 'expired'
        | 'revoked'
        | 'session_ended'
        | 'grant_ended'
        | 'subject_disabled'
        | 'client_disabled';
    };

/** One token on the way up, with what it hangs from. */
interface Step {
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
  readonly barred_at: number | null;
  readonly user_disabled: number | null;
  readonly client_disabled: number | null;
  readonly not_before: number | null;
}

/** No chain is longer; it only bounds the work on a ledger that was tampered with. */
export const MAXIMUM_STEPS = 40;

/** A token and all its ancestors, in one statement. */
export async function stepsUpward(db: Kysely<StsSchema>, jti: string): Promise<readonly Step[]> {
  const { rows } = await sql<Step>`
    with recursive token (depth, parent, subject, session, grant_id, client_id, actor, audience, at, expires_at, revoked_at) as (
      select 0, parent, subject, session, grant_id, client_id, actor, audience, at, expires_at, revoked_at
      from ledger where id = ${jti} and outcome = 'issued'
      union all
      select token.depth + 1, up.parent, up.subject, up.session, up.grant_id, up.client_id, up.actor, up.audience,
        up.at, up.expires_at, up.revoked_at
      from token join ledger up on up.id = token.parent and up.outcome = 'issued'
      where token.depth < ${sql.lit(MAXIMUM_STEPS)}
    )
    select token.depth, token.parent, token.subject, token.session, token.at, token.expires_at, token.revoked_at,
      logins.subject as login_subject, logins.signed_in_at, logins.expires_at as login_expires_at,
      logins.ended_at as login_ended_at, grant_ends.ended_at as grant_ended_at,
      bars.created_at as barred_at,
      users.disabled as user_disabled, clients.disabled as client_disabled, revocation_epoch.not_before
    from token
    left join logins on logins.session = token.session
    left join grant_ends on grant_ends.grant_id = token.grant_id
    left join bars on bars.session = token.session and bars.actor = token.actor and bars.audience = token.audience
    left join users on users.id = token.subject
    left join clients on clients.id = token.client_id
    left join revocation_epoch on 1 = 1
    order by token.depth`.execute(db);
  return rows;
}

/** Judges the way up, from the token to its root. Anything that is missing on the way counts against the token. */
export function judge(steps: readonly Step[], now: number): Liveness {
  const [token] = steps;
  const root = steps.at(-1);
  if (token === undefined || root === undefined) return dead('unknown');
  if (token.expires_at === null || token.expires_at <= now) return dead('expired');
  for (const step of steps) {
    const verdict = judgeStep(step, now);
    if (!verdict.live) return verdict;
  }
  // The chain must reach its beginning: a login or client's token, or the token of a trusted issuer, `<issuer>#<jti>`.
  if (root.parent !== null && !isExternal(root.parent)) return dead('unknown');
  return { live: true };
}

function judgeStep(step: Step, now: number): Liveness {
  // A bar holds for every token of that actor there, also for one that was being issued when it was set.
  if (step.revoked_at !== null || step.barred_at !== null) return dead('revoked');
  if (step.grant_ended_at !== null) return dead('grant_ended');
  if (step.client_disabled !== null && step.client_disabled !== 0) return dead('client_disabled');
  if (step.subject !== null && step.user_disabled !== 0) return dead('subject_disabled');
  if (step.session !== null && !sessionHolds(step, now)) return dead('session_ended');
  if (step.not_before !== null && step.at < step.not_before) return dead('revoked');
  return { live: true };
}

function sessionHolds(step: Step, now: number): boolean {
  if (step.login_ended_at !== null || step.login_subject !== step.subject) return false;
  if (step.login_expires_at === null || step.login_expires_at <= now) return false;
  return step.not_before === null || (step.signed_in_at ?? 0) >= step.not_before;
}

/** Parents that are tokens of a trusted issuer. Our own jti never contains "#". */
function isExternal(parent: string): boolean {
  return parent.includes('#');
}

function dead(cause: Extract<Liveness, { live: false }>['cause']): Liveness {
  return { live: false, cause };
}
