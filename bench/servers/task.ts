/**
 * The task that every server here is given, Behalf's own apart: take the user's token for API1 from a client that proves itself
 * with a secret, and answer with a token for API2 that names the client as the actor. Same algorithm, same claims, same check of the secret.
 */
import { createHash, createPrivateKey, createPublicKey, timingSafeEqual, type JsonWebKey } from 'node:crypto';

export const ISSUER = 'http://localhost:4000';
export const API1 = 'http://localhost:4001';
export const API2 = 'http://localhost:4002';
export const CLIENT = 'api1.client';
export const SECRET = 'secret';
export const LIFETIME_SECONDS = 300;

/** `SIGNING_KEY`: a private key for ES256 as a JWK with its `kid`. The user's tokens are signed with it too. */
export const JWK = JSON.parse(process.env['SIGNING_KEY'] ?? '{}') as JsonWebKey & { readonly kid: string };
export const port = Number(process.env['PORT']);
export const privateKey = () => createPrivateKey({ key: JWK, format: 'jwk' });
export const publicKey = () => createPublicKey({ key: JWK, format: 'jwk' });

const DIGEST = createHash('sha256').update(SECRET).digest();

/** Compares digests in constant time, as Behalf does. */
export function isSecret(value: string): boolean {
  return timingSafeEqual(createHash('sha256').update(value).digest(), DIGEST);
}

/** The user's part of a token, which an exchange carries along. */
export interface UserClaims {
  readonly sub: string;
  readonly sid: string;
  readonly auth_time: number;
  readonly amr: readonly string[];
}
