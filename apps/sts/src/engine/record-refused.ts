import type { GrantRefused } from '@behalf/extension-grants';
import type { TokenLedger } from '../ledger/types.ts';

/**
 * Notes refused exchanges in the ledger, so that a user sees who tried to act and an operator sees why not. Subject and
 * session are known once the subject token's signature has been checked, and stand here only then.
 */
export function createRefusalRecorder(
  ledger: Pick<TokenLedger, 'recordRefused'>,
  requestId: () => string | undefined,
) {
  return async (refused: GrantRefused): Promise<void> => {
    const { from } = refused;
    await ledger.recordRefused({
      parent: from === undefined ? null : from.kind === 'external' ? `${from.issuer}#${from.jti}` : from.jti,
      subject: from?.subject ?? null,
      // Whoever asked would have been the current actor.
      actors: from === undefined ? [] : [refused.clientId, ...from.actorChain],
      clientId: refused.clientId,
      audience: refused.target ?? null,
      scope: refused.scopes.join(' '),
      grantType: refused.grantType,
      at: refused.now,
      session: from?.sessionId ?? null,
      error: refused.error,
      reason: refused.reason ?? null,
      cause: refused.cause ?? null,
      requestId: requestId() ?? null,
    });
  };
}
