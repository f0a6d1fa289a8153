import {
  type ExtensionGrantValidator,
  grantSubject,
  type Refusal,
  refuse,
  type SubjectToken,
  type TokenTools,
} from '@behalf/extension-grants';
import { TRANSLATION_GRANT, USER_SUBSCRIPTION_CLIENT } from '../registry/clients.ts';
import { authorizeActor, type ExchangeDependencies } from './authorize-actor.ts';
import { type SubjectTokenReader, validateSubjectToken } from './subject-token.ts';
import type { SubscriptionAnswer, SubscriptionsClient } from './subscriptions-client.ts';
import { lifetimes } from '../lifetimes.ts';

const RETRY_AFTER_SECONDS = 5;

export interface TranslationDependencies extends ExchangeDependencies {
  /** For our access tokens and for trusted issuers' JWTs. */
  readonly subjectTokens: SubjectTokenReader;
  /** Consumes a trusted issuer's token; false when it was used before. */
  readonly consumePartnerToken: (token: SubjectToken) => Promise<boolean>;
  readonly subscriptions: SubscriptionsClient;
  /** Resource identifier of the subscription service. */
  readonly subscriptionsAudience: string;
  readonly tokenTools: TokenTools;
}

/**
 * `grant_type=translation&scope=…&token=<a user's token, ours or a trusted issuer's>`: like delegation, for users with an
 * active subscription only, and the new token names it. The server asks the subscription service in its own name, with a
 * token that it issues to itself.
 */
export function createTranslationGrant(dependencies: TranslationDependencies): ExtensionGrantValidator {
  const issueOwnToken = () =>
    dependencies.tokenTools.issueClientJwt({
      clientId: USER_SUBSCRIPTION_CLIENT.id,
      lifetimeSeconds: lifetimes.ownTokenSeconds,
      scopes: USER_SUBSCRIPTION_CLIENT.scopes,
      audience: dependencies.subscriptionsAudience,
    });

  return {
    grantType: TRANSLATION_GRANT,
    async validate(request) {
      const subject = await validateSubjectToken(dependencies.subjectTokens, request, 'token');
      if (!subject.ok) return subject.refusal;
      const subjectToken = subject.token;

      const authorized = await authorizeActor(dependencies, request, subjectToken);
      if (!authorized.ok) return authorized.refusal;

      const answer = await dependencies.subscriptions.of(subjectToken.subject, issueOwnToken);
      if (answer.kind !== 'found' || answer.subscription.status !== 'active') {
        return refuseAnswer(answer, subjectToken);
      }

      // Last of all, so that a refusal for another reason does not cost a partner its token.
      if (subjectToken.kind === 'external' && !(await dependencies.consumePartnerToken(subjectToken))) {
        const options = { reason: 'subject_token', detail: 'replayed', subjectToken };
        return refuse('invalid_grant', 'the token was used before', options);
      }

      const { plan, status, renewsAt } = answer.subscription;
      return grantSubject({
        subjectToken,
        subject: subjectToken.subject,
        actor: request.client.id,
        scopes: authorized.scopes,
        target: authorized.target,
        claims: { subscription: { plan, status, renews_at: renewsAt } },
      });
    },
  };
}

function refuseAnswer(answer: SubscriptionAnswer, subjectToken: SubjectToken): Refusal {
  if (answer.kind === 'unavailable') {
    return refuse('temporarily_unavailable', 'the subscription cannot be checked at the moment', {
      detail: answer.detail,
      subjectToken,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
  const description = answer.kind === 'none' ? 'the user has no subscription' : 'the subscription has lapsed';
  return refuse('invalid_grant', description, { reason: 'subscription', detail: answer.kind, subjectToken });
}
