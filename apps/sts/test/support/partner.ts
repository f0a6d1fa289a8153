/** Signs as the partner of the development registry, with the key that the STS made for it. */

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importJWK, type JWK, SignJWT } from 'jose';
import { PARTNER_ISSUER, PARTNER_KEY_FILE } from '../../src/registry/users-and-issuers.ts';

export async function signAsPartner(
  sts: { readonly issuer: string; readonly config: { readonly dataDirectory: string } },
  claims: Record<string, unknown> = {},
): Promise<string> {
  const file = join(sts.config.dataDirectory, 'dev', PARTNER_KEY_FILE);
  const jwk = JSON.parse(await readFile(file, 'utf8')) as JWK;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: PARTNER_ISSUER,
    aud: sts.issuer,
    sub: 'alice@partner',
    azp: 'api1.client',
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: jwk.kid ?? '' })
    .sign(await importJWK(jwk, 'ES256'));
}
