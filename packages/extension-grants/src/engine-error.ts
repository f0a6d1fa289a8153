import { errors } from 'oidc-provider';
import { GRANT_ERROR_STATUS, type Refusal } from './contract.ts';

/**
 * A refusal as the engine throws it. The cause goes along as `error_detail`, for the log alone; what else the refusal
 * says, the answer to the request adds.
 */
export class RefusedGrant extends errors.CustomOIDCProviderError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.error, printable(refusal.description), { detail: refusal.cause ?? refusal.description });
    this.refusal = refusal;
    this.status = GRANT_ERROR_STATUS[refusal.error];
    this.statusCode = this.status;
    this.expose = true;
  }
}

/** RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E. */
function printable(description: string): string {
  return description.replaceAll('"', "'").replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/gu, '?');
}
