import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';

/** A client's DPoP key (RFC 9449 §4): makes proofs for requests to one address. */
export async function createDpopKey(htu: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    proof: () =>
      new SignJWT({ htm: 'POST', htu, jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey),
  };
}
