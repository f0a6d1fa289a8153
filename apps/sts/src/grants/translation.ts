import {
  type ExtensionGrantValidator,
  grantSubject,
  type Refusal,
  refuse,
  type SubjectToken,
} from '@behalf/extension-grants';
import { TRANSLATION_GRANT, USER_SUBSCRIPTION_CLIENT } from '../registry/clients.ts';
import { authorizeActor, type ExchangePorts, type SubjectTokenValidator } from './authorize-actor.ts';
import { validateSubjectToken } from './subject-token.ts';
import type { Subscription, SubscriptionAnswer, SubscriptionSource } from './subscriptions-client.ts';

const SELF_ISSUED_LIFETIME_SECONDS = 15;

const RETRY_AFTER_SECONDS = 5;

export interface TranslationPorts extends ExchangePorts {
  /** For our access tokens and for trusted issuers' JWTs. */
  readonly subjectTokens: SubjectTokenValidator;
  /** Uses a trusted issuer's token up; false when it was used before. */
  readonly consumePartnerToken: (token: SubjectToken) => Promise<boolean>;
  readonly subscriptions: SubscriptionSource;
  /** Resource identifier of the subscription service. */
  readonly subscriptionsAudience: string;
  readonly tokenTools: {
    issueClientJwt(options: {
      clientId: string;
      lifetimeSeconds: number;
      scopes: readonly string[];
      audience: string;
    }): Promise<string>;
  };
}

/**
 * `grant_type=translation&scope=…&token=<a user's token, ours or a trusted issuer's>`: like delegation, for users with an
 * active subscription only, and the new token says which. The server asks the subscription service in its own name, with
 * a token that it issues to itself.
 */
export function createTranslationGrant(ports: TranslationPorts): ExtensionGrantValidator {
  const issueOwnToken = () =>
    ports.tokenTools.issueClientJwt({
      clientId: USER_SUBSCRIPTION_CLIENT.id,
      lifetimeSeconds: SELF_ISSUED_LIFETIME_SECONDS,
      scopes: USER_SUBSCRIPTION_CLIENT.scopes,
      audience: ports.subscriptionsAudience,
    });

  return {
    grantType: TRANSLATION_GRANT,
    async validate(request) {
      const subject = await validateSubjectToken(ports.subjectTokens, request, 'token');
      if (!subject.ok) return subject.refusal;
      const subjectToken = subject.token;

      const authorized = await authorizeActor(ports, request, subjectToken);
      if (!authorized.ok) return authorized.refusal;

      const answer = await ports.subscriptions.of(subjectToken.subject, issueOwnToken);
      if (answer.kind !== 'found' || answer.subscription.status !== 'active')
        return refuseFor(answer, subjectToken);

      // Last of all, so that a refusal for another reason does not cost a partner its token.
      if (subjectToken.kind === 'external' && !(await ports.consumePartnerToken(subjectToken)))
        return refuseUsed(subjectToken);

      return grantSubject({
        subjectToken,
        subject: subjectToken.subject,
        actor: request.client.id,
        scopes: authorized.scopes,
        target: authorized.target,
        claims: { subscription: claimOf(answer.subscription) },
      });
    },
  };
}

function claimOf({ plan, status, renewsAt }: Subscription) {
  return { plan, status, renews_at: renewsAt };
}

function refuseFor(answer: SubscriptionAnswer, subjectToken: SubjectToken): Refusal {
  if (answer.kind === 'unavailable') {
    return refuse('temporarily_unavailable', 'the subscription cannot be checked at the moment', {
      detail: answer.detail,
      subjectToken,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
  const description = answer.kind === 'none' ? 'the user has no subscription' : 'the subscription has lapsed';
  return refuse('invalid_grant', description, {
    reason: 'subscription',
    detail: answer.kind,
    subjectToken,
  });
}

function refuseUsed(subjectToken: SubjectToken): Refusal {
  return refuse('invalid_grant', 'the token was used before', {
    reason: 'subject_token',
    detail: 'replayed',
    subjectToken,
  });
}
