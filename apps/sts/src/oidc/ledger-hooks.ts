import {
  isClientToken,
  type Issuance,
  issuanceOf,
  type RefusedRequest,
  type SubjectToken,
} from '@behalf/extension-grants';
import type { AccessToken, ClientCredentials, JWTStructured } from 'oidc-provider';
import type { IssuedEntry, TokenLedger } from '../state/ledger.ts';
import { externalTokenId } from '../state/schema.ts';

type Token = AccessToken | ClientCredentials;

/**
 * The one hook that every JWT passes before it is signed, whichever grant or tool issues it: its row is durable in the
 * ledger before there is anything to hand out. A ledger that cannot be written to means no token.
 */
export function createIssuedRecorder(
  ledger: Pick<TokenLedger, 'recordIssued'>,
  requestId: () => string | undefined,
) {
  return async (_ctx: unknown, token: Token, { payload }: JWTStructured): Promise<void> => {
    await ledger.recordIssued(entryOf(token, payload, requestId() ?? null));
  };
}

function entryOf(token: Token, claims: JWTStructured['payload'], requestId: string | null): IssuedEntry {
  const issuance = issuanceOf(token);
  const login = token.kind === 'AccessToken' ? token : undefined;
  return {
    jti: text(claims, 'jti'),
    parent: parentOf(issuance),
    subject: login === undefined || isOfClient(issuance?.subjectToken) ? null : text(claims, 'sub'),
    actors: issuance?.actorChain ?? [],
    clientId: text(claims, 'client_id'),
    audience: text(claims, 'aud'),
    scope: typeof claims['scope'] === 'string' ? claims['scope'] : '',
    grantType: issuance?.grantType ?? engineGrantType(login),
    issuedAt: time(claims, 'iat'),
    expiresAt: time(claims, 'exp'),
    session: typeof claims['sid'] === 'string' ? claims['sid'] : null,
    grantId: login?.grantId ?? null,
    requestId,
  };
}

/** A chain that a client starts has no user: its life hangs from its clients and its parent. */
function isOfClient(subjectToken: SubjectToken | undefined): boolean {
  return subjectToken !== undefined && isClientToken(subjectToken);
}

/** A token of ours is named by its jti; a trusted issuer's by issuer and jti, since only the pair is unique. */
function parentOf(issuance: Issuance | undefined): string | null {
  const from = issuance?.subjectToken;
  if (from === undefined) return null;
  return from.kind === 'external' ? externalTokenId(from.issuer, from.jti) : from.jti;
}

/** oidc-provider keeps the history of a login's grants in `gty`: `authorization_code refresh_token`. The last one counts. */
function engineGrantType(login: AccessToken | undefined): string {
  return login === undefined ? 'client_credentials' : (login.gty.split(' ').at(-1) ?? login.gty);
}

function text(claims: JWTStructured['payload'], name: string): string {
  const value = claims[name];
  if (typeof value !== 'string' || value === '') throw new Error(`a token without ${name} is not issued`);
  return value;
}

function time(claims: JWTStructured['payload'], name: string): number {
  const value = claims[name];
  if (typeof value !== 'number') throw new Error(`a token without ${name} is not issued`);
  return value;
}

/**
 * Notes refused exchanges in the ledger, so that a user sees who tried to act and an operator sees why not. Subject and
 * session are known once the subject token's signature has been checked, and stand here only then.
 */
export function createRefusalRecorder(
  ledger: Pick<TokenLedger, 'recordRefused'>,
  requestId: () => string | undefined,
) {
  return async (refused: RefusedRequest): Promise<void> => {
    const { subjectToken } = refused;
    await ledger.recordRefused({
      parent:
        subjectToken === undefined
          ? null
          : subjectToken.kind === 'external'
            ? externalTokenId(subjectToken.issuer, subjectToken.jti)
            : subjectToken.jti,
      subject: isOfClient(subjectToken) ? null : (subjectToken?.subject ?? null),
      // The client that asked would have been the current actor.
      actors: subjectToken === undefined ? [] : [refused.clientId, ...subjectToken.actorChain],
      clientId: refused.clientId,
      audience: refused.target ?? null,
      scope: refused.scopes.join(' '),
      grantType: refused.grantType,
      at: refused.now,
      session: subjectToken?.sessionId ?? null,
      error: refused.error,
      reason: refused.reason ?? null,
      detail: refused.detail ?? null,
      requestId: requestId() ?? null,
    });
  };
}
