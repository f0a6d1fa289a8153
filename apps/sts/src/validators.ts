import type { ExtensionGrantValidator, TokenTools } from '@behalf/extension-grants';
import { fetchWithRequestId } from '@behalf/service';
import type { Config } from './config.ts';
import { createDelegationGrant } from './grants/delegation.ts';
import { createEitherTokenValidator } from './grants/either-token.ts';
import type { ExchangePorts, SubjectTokenValidator } from './grants/ports.ts';
import { createSubscriptionService } from './grants/subscription-service.ts';
import { createTokenExchangeGrant } from './grants/token-exchange.ts';
import { createTranslationGrant } from './grants/translation.ts';
import { createTrustedIssuerTokenValidator, rememberUntil } from './grants/trusted-issuer-token.ts';
import type { Registry } from './open-registry.ts';
import type { State } from './open-state.ts';
import { DELEGATION_POLICY } from './registry/delegation-policy.ts';

export interface ValidatorParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly state: Pick<State, 'ledger' | 'users' | 'claimExternalToken'>;
  /** For the access tokens of this server. */
  readonly accessTokens: SubjectTokenValidator;
}

/** The extension grants with everything they need. A new grant is a file in `grants/`, a line here, and its name in `registry/grant-types.ts`. */
export function createValidators({ config, registry, state, accessTokens }: ValidatorParts) {
  const { resources, trustedIssuers } = registry;
  const exchange: ExchangePorts = {
    policy: DELEGATION_POLICY,
    resources,
    accessTokens,
    ledger: state.ledger,
  };
  const subscriptions = createSubscriptionService({
    url: config.subscriptionsUrl,
    fetch: fetchWithRequestId,
  });
  const subjectTokens = createEitherTokenValidator({
    trustedIssuers,
    accessTokens,
    trustedIssuerTokens: createTrustedIssuerTokenValidator({ issuers: trustedIssuers, users: state.users }),
  });

  return (tokenTools: TokenTools): readonly ExtensionGrantValidator[] => [
    createDelegationGrant(exchange),
    createTokenExchangeGrant({ ...exchange, issuer: config.registry.issuer }),
    createTranslationGrant({
      ...exchange,
      subjectTokens,
      subscriptions,
      subscriptionsAudience: config.registry.subscriptionsResource,
      tokenTools,
      useUp: async (token) => {
        const issuer = trustedIssuers.find(({ issuer: name }) => name === token.issuer);
        if (issuer === undefined) return false;
        return state.claimExternalToken(token.issuer, token.jti, rememberUntil(token, issuer));
      },
    }),
  ];
}
