import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { JWT_CLIENT_KEY_FILE } from '../../src/registry/users-and-issuers.ts';

/** Whose tokens are asked for, and where it keeps its development keys. */
interface Sts {
  readonly issuer: string;
  readonly config: { readonly dataDirectory: string };
}

export interface AssertionOptions {
  /** Default: the issuer. */
  readonly audience?: string;
  /** A second audience. */
  readonly alsoFor?: string;
  readonly expiresIn?: string;
  /** Who signs says to be. Default: jwt.client, whose key it is. */
  readonly subject?: string;
  /** Claims instead of those. */
  readonly claims?: JWTPayload;
}

/** A client assertion (RFC 7523 §3) signed with the key of jwt.client. */
export async function clientAssertion(sts: Sts, options: AssertionOptions = {}): Promise<string> {
  const file = join(sts.config.dataDirectory, 'dev', JWT_CLIENT_KEY_FILE);
  const jwk = JSON.parse(await readFile(file, 'utf8')) as JWK;
  const { subject = 'jwt.client', audience = sts.issuer, expiresIn = '60 s', claims = {} } = options;
  const assertion = new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: String(jwk.kid) })
    .setIssuer(subject)
    .setSubject(subject)
    .setJti(randomUUID());
  if (claims['aud'] === undefined) {
    assertion.setAudience(options.alsoFor === undefined ? audience : [audience, options.alsoFor]);
  }
  if (claims['iat'] === undefined) assertion.setIssuedAt();
  if (claims['exp'] === undefined) assertion.setExpirationTime(expiresIn);
  return assertion.sign(await importJWK(jwk, 'ES256'));
}

/** The form of a `client_credentials` request that authenticates with an assertion. */
export function assertionForm(assertion: string): Record<string, string> {
  return {
    grant_type: 'client_credentials',
    scope: 'api1',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
}
