/** DPoP at a client (RFC 9449 §4): the key that its tokens are bound to, and the proofs of it. */

import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { getDPoPHandle } from 'openid-client';
import { digestOf } from './verifier.ts';

export type DpopKey = Parameters<typeof getDPoPHandle>[1];

/** A proof for one request: `htm` and `htu`, the address of the called API by its own identifier. */
export type ProofMaker = (method: string, url: string) => Promise<string>;

/** A new key for ES256. Its private half cannot be read, also not by this process. */
export async function generateDpopKey(): Promise<DpopKey> {
  return generateKeyPair('ES256');
}

/** Makes proofs for requests with one access token (§4.2, with `ath`). `now` gives epoch seconds. */
export function createProofMaker(key: DpopKey, accessToken: string, now: () => number): ProofMaker {
  const ath = digestOf(accessToken);
  let jwk: ReturnType<typeof exportJWK> | undefined;
  return async (method, url) => {
    jwk ??= exportJWK(key.publicKey);
    const [htu = ''] = url.split(/[?#]/, 1);
    return new SignJWT({ htm: method, htu, ath, jti: randomUUID(), iat: now() })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await jwk })
      .sign(key.privateKey);
  };
}
