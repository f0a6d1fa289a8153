import { type ExtensionGrantValidator, grantSubject } from '@behalf/extension-grants';
import { DELEGATION_GRANT } from '../registry/clients.ts';
import { authorizeActor, type ExchangeDependencies } from './authorize-actor.ts';
import { validateSubjectToken } from './subject-token.ts';

/**
 * `grant_type=delegation&scope=…&token=<the user's token>`: the authenticated client gets a token with which it acts for
 * the token's user at another API. The user stays `sub`; the client becomes the current actor in `act`.
 */
export function createDelegationGrant(dependencies: ExchangeDependencies): ExtensionGrantValidator {
  return {
    grantType: DELEGATION_GRANT,
    async validate(request) {
      const subject = await validateSubjectToken(dependencies.accessTokens, request, 'token');
      if (!subject.ok) return subject.refusal;

      const authorized = await authorizeActor(dependencies, request, subject.token);
      if (!authorized.ok) return authorized.refusal;

      // `issue` nests `act`, checks `may_act` and cycles, and limits the lifetime, for every grant alike.
      return grantSubject({
        subjectToken: subject.token,
        subject: subject.token.subject,
        actor: request.client.id,
        scopes: authorized.scopes,
        target: authorized.target,
      });
    },
  };
}
