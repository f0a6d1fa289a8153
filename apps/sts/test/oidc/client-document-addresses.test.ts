import type { lookup as systemLookup } from 'node:dns';
import { startTlsServer, type TlsServer } from '@behalf/service/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClientDocuments, isPublicAddress } from '../../src/oidc/client-documents.ts';

let documents: TlsServer;

beforeAll(async () => {
  documents = await startTlsServer();
});

afterAll(() => documents.close());

describe('where documents may lie', () => {
  const answers = (...addresses: readonly string[]) =>
    ((_name: string, _options: object, callback: (fault: null, found: object[]) => void) => {
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    }) as unknown as typeof systemLookup;

  it.each([
    ['this machine', '127.0.0.1'],
    ['this machine by IPv6', '::1'],
    ['a private network', '10.0.0.7'],
    ['the address of cloud metadata', '169.254.169.254'],
    ['a private network in an IPv6 address', '::ffff:10.0.0.7'],
    ['a unique local address', 'fd00::1'],
    ['one public and one private address', '93.184.215.14', '192.168.1.1'],
  ])('a name that stands for %s is refused before anything is sent', async (_what, ...addresses) => {
    const before = documents.requests.length;
    const guard = createClientDocuments({ hosts: undefined }, { lookup: answers(...addresses) });
    const { port } = new URL(documents.origin);
    await expect(guard.fetch(`https://app.example:${port}/client`)).rejects.toThrow(
      'app.example is not an address on the public internet.',
    );
    expect(documents.requests.length).toBe(before);
  });

  it.each(['https://127.0.0.1/c', 'https://[::1]/c', 'https://2130706433/c', 'https://192.168.0.1/c'])(
    '%s is refused',
    async (id) => {
      const guard = createClientDocuments({ hosts: undefined });
      await expect(guard.fetch(id)).rejects.toThrow('is not an address on the public internet');
    },
  );

  it('the connection goes to the address that was checked, and no name is looked up twice', async () => {
    let looks = 0;
    const rebinding = ((name: string, options: object, callback: (fault: null, found: object[]) => void) => {
      looks += 1;
      (answers(looks === 1 ? '127.0.0.1' : '10.0.0.7') as (...all: unknown[]) => void)(
        name,
        options,
        callback,
      );
    }) as unknown as typeof systemLookup;
    const id = `${documents.origin}/client.json`;
    const client = { client_id: id, redirect_uris: ['https://app.example/callback'] };
    documents.answer = (_request, response) => void response.end(JSON.stringify(client));
    const guard = createClientDocuments({ hosts: ['localhost'] }, { lookup: rebinding });
    expect((await guard.fetch(id)).status).toBe(200);
    expect(looks).toBe(1);
  });

  it.each([
    ['93.184.215.14', true],
    ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', true],
    ['100.64.0.1', false],
    ['198.18.0.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['64:ff9b::a00:1', false],
    ['2002:a00:1::', false],
    ['fe80::1', false],
  ])('%s counts as public: %s (RFC 6890)', (address, expected) => {
    expect(isPublicAddress(address)).toBe(expected);
  });
});
