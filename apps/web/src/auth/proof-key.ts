import * as oauth from 'oauth4webapi';

/** The key that this page's tokens are bound to (RFC 9449). It lives as long as the page, like the tokens. */
export interface ProofKey {
  readonly pair: oauth.CryptoKeyPair;
  /** A proof for one request with this token. `url` begins with the API's identifier. */
  proof(method: string, url: string, accessToken: string): Promise<string>;
}

/** A new key, whose private half no script can read, this one included. `now` is in epoch seconds, by the server's clock. */
export async function createProofKey(now: () => number): Promise<ProofKey> {
  const pair = await oauth.generateKeyPair('ES256', { extractable: false });
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const header = encode(JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }));
  return {
    pair,
    async proof(method, url, accessToken) {
      const ath = encode(await crypto.subtle.digest('SHA-256', bytesOf(accessToken)));
      const [htu] = url.split(/[?#]/, 1);
      const claims = { jti: crypto.randomUUID(), htm: method, htu, ath, iat: now() };
      const input = `${header}.${encode(JSON.stringify(claims))}`;
      const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
      return `${input}.${encode(await crypto.subtle.sign(algorithm, pair.privateKey, bytesOf(input)))}`;
    },
  };
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Base64url (RFC 4648 §5). */
function encode(data: string | ArrayBuffer): string {
  const bytes = typeof data === 'string' ? bytesOf(data) : new Uint8Array(data);
  return btoa(String.fromCodePoint(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
