import type { Refusal } from './contract.ts';

/** What is known of a token request of an extension grant, once its client is authenticated. */
export interface SeenRequest {
  grantType: string;
  scopes: readonly string[];
  target: string | undefined;
  refusal: Refusal | undefined;
}

const seen = new WeakMap<object, SeenRequest>();

/** Notes that the engine handed a request over to an extension grant. */
export function noteRequest(ctx: object, grantType: string): SeenRequest {
  const request: SeenRequest = { grantType, scopes: [], target: undefined, refusal: undefined };
  seen.set(ctx, request);
  return request;
}

export function seenRequestOf(ctx: object): SeenRequest | undefined {
  return seen.get(ctx);
}
