import { createHash, randomBytes } from 'node:crypto';
import { signInOverHttp, type SignedIn, type System } from '@behalf/scripts/system';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import type { UserName } from './person.ts';

export type ApiName = 'api1' | 'api2' | 'subscriptions';

/** The token that the web client gets for API1. */
export function userToken(system: System, username: UserName = 'alice'): Promise<SignedIn> {
  return signInOverHttp({
    issuer: system.url.sts,
    webUrl: system.url.web,
    resource: system.url.api1,
    username,
  });
}

/** A PKCE challenge (RFC 7636 §4.2) whose verifier is not kept, because the code is not redeemed. */
export function newChallenge(): string {
  return createHash('sha256').update(randomBytes(32)).digest('base64url');
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A request to the token endpoint; a client without a secret sends none. */
export async function askForToken(
  system: System,
  client: string,
  parameters: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
  const response = await fetch(`${system.url.sts}/connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: client, client_secret: 'secret', ...parameters }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The token that API1 gets to act for the user at API2. */
export async function delegatedToken(system: System, subjectToken: string): Promise<string> {
  const { body } = await askForToken(system, 'api1.client', {
    grant_type: 'delegation',
    scope: 'api2',
    token: subjectToken,
  });
  return String(body['access_token']);
}

/** The token that API2 gets to ask the subscription service for the user. */
export async function secondHopToken(system: System, subjectToken: string): Promise<string> {
  const { body } = await askForToken(system, 'api2.client', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    scope: 'subscriptions.read',
    subject_token: subjectToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
  return String(body['access_token']);
}

/** Exact to the last claim, and signed by somebody else. */
export async function foreignToken(token: string, changes: JWTPayload = {}): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const { kid } = await exportJWK(privateKey);
  return new SignJWT({ ...decodeJwt(token), ...changes })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: kid ?? 'somebody-elses' })
    .sign(privateKey);
}

/** The same signature over other claims. */
export function tamperedToken(token: string, changes: JWTPayload): string {
  const [header, , signature] = token.split('.');
  const payload = Buffer.from(JSON.stringify({ ...decodeJwt(token), ...changes })).toString('base64url');
  return `${header}.${payload}.${signature}`;
}

export function unsignedToken(token: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
  return `${header}.${token.split('.')[1]}.`;
}
