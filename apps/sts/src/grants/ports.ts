/** What the grants need from outside. Nothing here is HTTP, a clock or the environment. */
import type { SubjectToken } from '@behalf/extension-grants';
import type { TokenLedger } from '../ledger/types.ts';
import type { DelegationPolicy } from '../registry/delegation-policy.ts';
import type { ResourceRegistry } from '../registry/resources.ts';

export type ValidatedSubjectToken =
  | {
      readonly ok: true;
      readonly token: SubjectToken;
      /** A client's own token: there is no user to act for. */
      readonly isClientToken: boolean;
    }
  | {
      readonly ok: false;
      /** Safe on the wire. */
      readonly description: string;
      /** For log and ledger. */
      readonly cause: string;
      /** The token, when its signature was good and something else was not. */
      readonly from?: SubjectToken | undefined;
      /** Nothing is known about the token: its issuer's keys could not be had. */
      readonly isOutage?: boolean;
    };

/** Rules 1 and 8 for one kind of token: genuine, and live. An outage of our own storage is thrown. */
export interface SubjectTokenValidator {
  validate(jwt: string, options: { now: number }): Promise<ValidatedSubjectToken>;
}

/** What every grant needs that exchanges a token. */
export interface ExchangePorts {
  readonly policy: DelegationPolicy;
  readonly resources: ResourceRegistry;
  /** For the access tokens of this server. */
  readonly accessTokens: SubjectTokenValidator;
  readonly ledger: Pick<TokenLedger, 'isBarred'>;
}
