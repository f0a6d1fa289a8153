import { randomUUID } from 'node:crypto';
import type { LedgerTable } from '../storage/schema.ts';
import type { IssuedEntry, RefusedEntry } from './types.ts';

export interface Retention {
  /** How long the row of an expired token is kept. */
  readonly issuedSeconds: number;
  readonly refusedSeconds: number;
}

export const DEFAULT_RETENTION: Retention = { issuedSeconds: 30 * 24 * 3600, refusedSeconds: 7 * 24 * 3600 };

const SEQUENCE_PER_SECOND = 1_000_000;

/** Numbers that rise with time and never repeat within a process; those of two processes in one second interleave. */
export function createSequence(): (at: number) => number {
  let last = 0;
  return (at) => {
    last = Math.max(last + 1, at * SEQUENCE_PER_SECOND);
    return last;
  };
}

export function issuedRow(entry: IssuedEntry, sequence: number, retention: Retention): LedgerTable {
  return {
    id: entry.jti,
    sequence,
    outcome: 'issued',
    ...common(entry),
    at: entry.issuedAt,
    expires_at: entry.expiresAt,
    grant_id: entry.grantId,
    error: null,
    reason: null,
    cause: null,
    keep_until: entry.expiresAt + retention.issuedSeconds,
  };
}

export function refusedRow(entry: RefusedEntry, sequence: number, retention: Retention): LedgerTable {
  return {
    id: randomUUID(),
    sequence,
    outcome: 'refused',
    ...common(entry),
    at: entry.at,
    expires_at: null,
    grant_id: null,
    error: entry.error,
    reason: entry.reason,
    cause: entry.cause,
    keep_until: entry.at + retention.refusedSeconds,
  };
}

function common(entry: IssuedEntry | RefusedEntry) {
  return {
    parent: entry.parent,
    subject: entry.subject,
    actors: JSON.stringify(entry.actors),
    actor: entry.actors[0] ?? null,
    client_id: entry.clientId,
    audience: entry.audience,
    scope: entry.scope,
    grant_type: entry.grantType,
    session: entry.session,
    request_id: entry.requestId,
    revoked_at: null,
  };
}
