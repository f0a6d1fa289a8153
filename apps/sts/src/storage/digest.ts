import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-256, base64url. For values with the entropy of a random id or secret, where a slow hash would protect nothing. */
export function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

/** Compares two digests in constant time. */
export function sameDigest(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The `sid` of tokens: a digest of the engine's `session.uid`. It names the login to APIs and people without giving
 * them anything that the engine would look up.
 */
export function sessionIdOf(sessionUid: string): string {
  return digestOf(`login session ${sessionUid}`);
}
