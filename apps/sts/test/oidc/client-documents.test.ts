import type { ServerResponse } from 'node:http';
import { startTlsServer, type TlsServer } from '@behalf/service/testing';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type BrowserPage } from '../support/browser.ts';
import { authorizeUrl, basic, newVerifier, post } from '../support/sign-in.ts';
import { startTestSts, type TestSts } from '../support/sts.ts';

const AGENT = 'http://localhost:4004';

const REDIRECT = 'http://127.0.0.1:43117/callback';

let sts: TestSts;
let documents: TlsServer;
let count = 0;

beforeAll(async () => {
  documents = await startTlsServer();
  sts = await startTestSts({ environment: { CLIENT_METADATA_DOCUMENTS: 'localhost' } });
});

afterAll(async () => {
  await sts.close();
  await documents.close();
});

type Document = Readonly<Record<string, unknown>>;

/** A new client id, whose address answers with the document that a good client has, or with what `change` makes of it. */
function publish(change: (good: Document) => unknown = (good) => good): string {
  count += 1;
  const id = `${documents.origin}/client-${count}.json`;
  const good = {
    client_id: id,
    client_name: 'Chatterbox',
    redirect_uris: ['http://127.0.0.1/callback', 'https://app.example/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  documents.answer = (_request, response) =>
    void response.setHeader('content-type', 'application/json').end(JSON.stringify(change(good)));
  return id;
}

function open(id: string, parameters: Readonly<Record<string, string>> = {}, codeVerifier = newVerifier()) {
  const browser = new Browser(sts.issuer);
  const url = authorizeUrl(sts.issuer, codeVerifier, {
    scope: 'agent',
    resource: [`${AGENT}/mcp`],
    parameters: { client_id: id, redirect_uri: REDIRECT, ...parameters },
  });
  return browser.open(url).then((page) => ({ browser, page, codeVerifier }));
}

async function openConsent(id: string, parameters: Readonly<Record<string, string>> = {}) {
  const opened = await open(id, parameters);
  const page = await opened.browser.submit(opened.page, { username: 'alice', password: 'alice' });
  return { ...opened, page };
}

async function rowsKept(): Promise<number> {
  const { rows } = await sql<{ kept: number }>`select count(*) as kept from oidc_records`.execute(
    sts.state.database.db,
  );
  return Number(rows[0]?.kept);
}

const words = ({ body }: BrowserPage) =>
  body
    .replaceAll(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

describe('a client whose id is the address of its metadata', () => {
  it('connects by its address alone, and its user sees who describes it and where the answer goes', async () => {
    const id = publish();
    const { browser, page, codeVerifier } = await openConsent(id);
    const { host } = new URL(documents.origin);
    expect(words(page)).toContain(`Allow Chatterbox?`);
    expect(words(page)).toContain(`Described by ${host} Goes back to http://127.0.0.1:43117`);
    expect(words(page)).toContain('The answer goes to a program on this computer');
    const back = await browser.submit(page, { action: 'allow' });
    const code = new URL(back.url).searchParams.get('code') ?? '';
    const answer = await post(`${sts.issuer}/connect/token`, {
      grant_type: 'authorization_code',
      client_id: id,
      code,
      code_verifier: codeVerifier,
      redirect_uri: REDIRECT,
      resource: `${AGENT}/mcp`,
    });
    expect([answer.status, answer.body['scope']]).toEqual([200, 'agent']);
    const claims = decodeJwt(String(answer.body['access_token']));
    expect(claims).toMatchObject({ aud: AGENT, client_id: id });
    const introspected = await post(
      `${sts.issuer}/connect/introspect`,
      { token: String(answer.body['access_token']) },
      basic('agent.client'),
    );
    expect(introspected.body['active']).toBe(true);
    const refreshed = await post(`${sts.issuer}/connect/token`, {
      grant_type: 'refresh_token',
      client_id: id,
      refresh_token: String(answer.body['refresh_token']),
      resource: `${AGENT}/mcp`,
    });
    expect(refreshed.status).toBe(200);
  });

  it('is looked up once for several requests', async () => {
    const id = publish();
    const before = documents.requests.length;
    await open(id);
    await open(id);
    expect(documents.requests.length - before).toBe(1);
  });

  it('gives no warning of the computer when the answer goes to an https address', async () => {
    const { page } = await openConsent(publish(), { redirect_uri: 'https://app.example/callback' });
    expect(words(page)).toContain('Goes back to https://app.example');
    expect(words(page)).not.toContain('on this computer');
  });

  it('is asked for consent each time, whatever its user agreed to before', async () => {
    const id = publish();
    const { browser, page } = await openConsent(id);
    await browser.submit(page, { action: 'allow' });
    const again = await browser.open(
      authorizeUrl(sts.issuer, newVerifier(), {
        scope: 'agent',
        resource: [AGENT],
        parameters: { client_id: id, redirect_uri: REDIRECT },
      }),
    );
    expect(words(again)).toContain('Allow Chatterbox?');
  });

  it.each(['api1', 'account', 'api2', 'openid', 'profile'])('may not ask for the scope %s', async (scope) => {
    const { page } = await open(publish(), { scope });
    expect(new URL(page.url).searchParams.get('error')).toBe('invalid_scope');
  });

  it('has no address that this server would call besides', async () => {
    const id = publish((good) => ({
      ...good,
      backchannel_logout_uri: `${documents.origin}/logout`,
      jwks_uri: `${documents.origin}/keys`,
      sector_identifier_uri: `${documents.origin}/sector`,
      grant_types: ['authorization_code', 'delegation', 'client_credentials'],
      scope: 'openid api1 account',
    }));
    const before = documents.requests.length;
    await openConsent(id);
    const client = await sts.host.current.Client.find(id);
    expect(client?.metadata()).toMatchObject({
      grant_types: ['authorization_code'],
      scope: 'offline_access',
    });
    expect(client?.metadata()['backchannel_logout_uri']).toBeUndefined();
    expect(documents.requests.length - before).toBe(1);
  });
});

const MIB = 1024 * 1024;

describe('a document that is refused', () => {
  const json = (change: Document) => () => publish((good) => ({ ...good, ...change }));
  const answering = (answer: (response: ServerResponse) => void) => () => {
    const id = publish();
    documents.answer = (_request, response) => answer(response);
    return id;
  };
  const REFUSED: readonly (readonly [string, () => string, string])[] = [
    [
      'is about another client',
      json({ client_id: 'https://app.example/client' }),
      'about another application',
    ],
    ['asks for a secret', json({ token_endpoint_auth_method: 'client_secret_post' }), 'asks for a secret'],
    ['asks for a key', json({ token_endpoint_auth_method: 'private_key_jwt' }), 'asks for a secret or a key'],
    [
      'leads to plain http',
      json({ redirect_uris: ['http://app.example/'] }),
      'neither https nor on this computer',
    ],
    [
      'leads to a script',
      json({ redirect_uris: ['javascript:alert(1)'] }),
      'neither https nor on this computer',
    ],
    ['leads nowhere', json({ redirect_uris: [] }), 'not in a form that is understood'],
    ['is no object', () => publish(() => []), 'not in a form that is understood'],
    ['is a page', answering((response) => void response.end('<html>')), 'not in a form that is understood'],
    ['is not there', answering((response) => void response.writeHead(404).end()), 'answered with status 404'],
    [
      'is elsewhere',
      answering((response) => void response.writeHead(302, { location: '/client-1.json' }).end()),
      'redirects to another address, which is not followed',
    ],
    ['has 10 MB', answering((response) => void response.end('x'.repeat(10 * MIB))), 'larger than 5 kB'],
    [
      'has 10 MB and does not say so',
      answering((response) => {
        for (let part = 0; part < 10; part += 1) response.write('x'.repeat(MIB));
        response.end();
      }),
      'larger than 5 kB',
    ],
    ['breaks off', answering((response) => void response.destroy()), 'could not be reached'],
    ['never ends', answering((response) => void response.write('{')), 'did not answer within 5 seconds'],
    [
      'is on a host that is not listed',
      () => 'https://app.example/client',
      'takes no applications from app.example',
    ],
  ];

  it.each(REFUSED)('%s: a page in words, and nothing is written', async (_what, make, sentence) => {
    const id = make();
    const before = await rowsKept();
    const { page } = await open(id);
    expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
    expect(words(page)).toContain('This application is not known');
    expect(words(page)).toContain(sentence);
    expect(await rowsKept()).toBe(before);
  });

  it('is not fetched again for a minute', async () => {
    const id = publish(() => []);
    const before = documents.requests.length;
    for (let time = 0; time < 3; time += 1) await open(id);
    expect(documents.requests.length - before).toBe(1);
  });

  it('leaves an unknown client at the token endpoint', async () => {
    const answer = await post(`${sts.issuer}/connect/token`, {
      grant_type: 'refresh_token',
      client_id: publish(() => []),
      refresh_token: 'x',
    });
    expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_client']);
  });

  it('has no client id in another form than https', async () => {
    const { page } = await open(publish().replace('https:', 'http:'));
    expect([page.status, words(page)]).toEqual([400, expect.stringContaining('invalid_client') as string]);
  });
});

it('without CLIENT_METADATA_DOCUMENTS an address is no client', async () => {
  const other = await startTestSts({ environment: { CLIENT_METADATA_DOCUMENTS: 'off' } });
  try {
    const id = publish();
    const before = documents.requests.length;
    const page = await new Browser(other.issuer).open(
      authorizeUrl(other.issuer, newVerifier(), { parameters: { client_id: id } }),
    );
    expect([page.status, documents.requests.length]).toEqual([400, before]);
    const discovery = await fetch(`${other.issuer}/.well-known/oauth-authorization-server`);
    expect(await discovery.json()).not.toHaveProperty('client_id_metadata_document_supported', true);
  } finally {
    await other.close();
  }
});
