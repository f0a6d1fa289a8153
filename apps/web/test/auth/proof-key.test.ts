import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createProofKey } from '../../src/auth/proof-key.ts';
import { NOW, useAnsweringServer } from '../support/answering-server.ts';
import { createSession } from '../support/rendered.tsx';

const used = useAnsweringServer();

/** The parts of a proof, whose signature must be that of the key in its header. */
function read(proof = '') {
  const [header = '', payload = '', signature = ''] = proof.split('.');
  const parse = (part: string) =>
    JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
  const jwk = parse(header)['jwk'] as JsonWebKey;
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const;
  const isGood = verify(
    'sha256',
    Buffer.from(`${header}.${payload}`),
    key,
    Buffer.from(signature, 'base64url'),
  );
  expect(isGood).toBe(true);
  return { header: parse(header), claims: parse(payload) };
}

describe('the key of a page', () => {
  it('makes a proof for one method, address and token, without query and fragment (RFC 9449 §4.2)', async () => {
    const key = await createProofKey(() => NOW);
    const proof = await key.proof('POST', 'http://api1.test/payments?x=1#y', 'the token');
    const { header, claims } = read(proof);
    expect(header).toEqual({
      typ: 'dpop+jwt',
      alg: 'ES256',
      jwk: { kty: 'EC', crv: 'P-256', x: expect.any(String) as string, y: expect.any(String) as string },
    });
    expect(claims).toEqual({
      jti: expect.any(String) as string,
      htm: 'POST',
      htu: 'http://api1.test/payments',
      iat: NOW,
      ath: createHash('sha256').update('the token').digest('base64url'),
    });
    expect(await key.proof('GET', 'http://api1.test/', 'the token')).not.toBe(proof);
  });

  it('has a private half that no script can read', async () => {
    const { pair } = await createProofKey(() => NOW);
    await expect(crypto.subtle.exportKey('jwk', pair.privateKey)).rejects.toThrow('not extractable');
  });
});

describe('a client with such a key', () => {
  it.each([
    ['a token', 'DPoP', true],
    ['a token', 'Bearer', false],
  ])(
    'sends a proof with every request for tokens, and meets %s of the type %s: taken %s (RFC 9449 §5)',
    async (_what, token_type, isTaken) => {
      used.server.createClient({ proofKey: createProofKey(() => NOW) });
      const outcome = await used.server.signIn({ body: { token_type } });
      expect(outcome.ok).toBe(isTaken);
      const sent = [used.server.proof];
      if (outcome.ok) {
        await used.server.client.refresh(outcome.tokens, 'http://api.test');
        sent.push(used.server.proof);
      }
      for (const proof of sent) {
        expect(read(proof).claims).toMatchObject({ htm: 'POST', htu: `${used.server.issuer}/token` });
      }
      expect(new Set(sent).size).toBe(sent.length);
    },
  );

  it('sends every request to an API with a proof, and without a key a bearer token', async () => {
    const bound = await createSession({ proofKey: createProofKey(() => NOW) }).headersFor(
      'T',
      'GET',
      'http://a.test/x',
    );
    expect(bound).toEqual({ Authorization: 'DPoP T', DPoP: expect.stringMatching(/^eyJ/) as string });
    expect(await createSession().headersFor('T', 'GET', 'http://a.test/x')).toEqual({
      Authorization: 'Bearer T',
    });
  });
});
