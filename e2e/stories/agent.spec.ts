import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { System } from '@behalf/scripts/system';
import { startTlsServer } from '@behalf/service/testing';
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import type { Page } from '@playwright/test';
import { expectAccessible } from '../support/accessible.ts';
import { expect, test } from '../support/fixtures.ts';
import { fillSignIn, open, signIn } from '../support/person.ts';
import { startTestSystem } from '../support/system.ts';

/** An MCP client as a program on a computer: the library's own OAuth code and a loopback redirect on a free port. */
async function startMcpClient({ url }: System, clientMetadataUrl?: string) {
  const answers: URL[] = [];
  const server = createServer((request, response) => {
    answers.push(new URL(request.url ?? '/', 'http://127.0.0.1'));
    response.setHeader('content-type', 'text/html').end('<title>Done</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const redirectUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  const kept: {
    verifier?: string;
    tokens?: Awaited<ReturnType<OAuthClientProvider['tokens']>>;
    information?: Awaited<ReturnType<OAuthClientProvider['clientInformation']>>;
  } = clientMetadataUrl === undefined ? { information: { client_id: 'mcp.client' } } : {};
  let discovery: Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>;
  let leadsTo: URL | undefined;
  const authProvider: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: {
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => kept.information,
    ...(clientMetadataUrl === undefined ? {} : { clientMetadataUrl }),
    saveClientInformation: (information) => void (kept.information = information),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    redirectToAuthorization: (address) => void (leadsTo = address),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier ?? '',
    discoveryState: () => discovery,
    saveDiscoveryState: (state) => void (discovery = state),
  };
  const transport = () => new StreamableHTTPClientTransport(new URL(`${url.agent}/mcp`), { authProvider });
  const client = new Client({ name: 'a program', version: '1' });
  return {
    client,
    kept,
    redirectUrl,
    /** The address that the program opens in the person's browser. */
    async authorizationUrl(): Promise<URL> {
      await expect(client.connect(transport())).rejects.toThrow(UnauthorizedError);
      if (leadsTo === undefined) throw new Error('the client asks for nothing');
      return leadsTo;
    },
    async connect(): Promise<void> {
      await transport().finishAuth(answers.at(-1)?.searchParams ?? new URLSearchParams());
      await client.connect(transport());
    },
    async close(): Promise<void> {
      await client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const textOf = ({ content }: Awaited<ReturnType<Client['callTool']>>) =>
  content.map((part) => (part.type === 'text' ? part.text : '')).join(' ');

async function allow(page: Page, application = 'MCP client'): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: `Allow ${application}?` })).toBeVisible();
  await expect(
    page.getByText('The agent reads your accounts and prepares payments. It cannot pay.'),
  ).toBeVisible();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
}

test.describe('the agent', () => {
  test('an MCP client that knows the address alone signs its user in, and is stopped mid-conversation', async ({
    page,
    system,
  }) => {
    const program = await startMcpClient(system);
    try {
      const authorization = await program.authorizationUrl();
      expect(Object.fromEntries(authorization.searchParams)).toMatchObject({
        client_id: 'mcp.client',
        scope: 'agent offline_access',
        resource: `${system.url.agent}/mcp`,
        redirect_uri: program.redirectUrl,
        code_challenge_method: 'S256',
      });
      await page.goto(authorization.href);
      await fillSignIn(page, 'alice', 'alice');
      await expect(page.getByText('The answer goes to a program on this computer')).toBeVisible();
      await allow(page);
      await expect(page).toHaveTitle('Done');
      await program.connect();

      const { tools } = await program.client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(['list_accounts', 'prepare_payment', 'pay']);
      const listed = await program.client.callTool({ name: 'list_accounts', arguments: {} });
      expect(textOf(listed)).toContain('acc_a1_everyday');
      const payment = { from: 'acc_a1_everyday', to: 'acc_b1_everyday', amount: '12.50', reference: 'Lunch' };
      const paid = await program.client.callTool({
        name: 'pay',
        arguments: { ...payment, currency: 'EUR' },
      });
      expect(paid.isError).toBe(true);
      expect(textOf(paid)).toContain('The current actor of the access token may not call this.');

      // The same browser is signed in at the STS already.
      await page.goto('/delegations');
      await page
        .getByRole('button', { name: /^Take back: The agent at API2/ })
        .first()
        .click();
      await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
      await expect(page.getByText('blocked by you').first()).toBeVisible();
      const refused = await program.client.callTool({ name: 'list_accounts', arguments: {} });
      expect([refused.isError, textOf(refused)]).toEqual([
        true,
        'The agent may not act for the user: they have taken it back, or never allowed it.',
      ]);
    } finally {
      await program.close();
    }
  });

  test('an MCP client that no operator has registered connects with a document about itself', async ({
    page,
  }) => {
    const documents = await startTlsServer();
    const folder = await mkdtemp(join(tmpdir(), 'behalf-'));
    const authority = join(folder, 'authority.pem');
    await writeFile(authority, documents.certificate);
    const system = await startTestSystem({
      services: ['sts', 'api2', 'agent'],
      environment: { CLIENT_METADATA_DOCUMENTS: 'localhost', NODE_EXTRA_CA_CERTS: authority },
    });
    const id = `${documents.origin}/chatterbox.json`;
    const program = await startMcpClient(system, id);
    documents.answer = (_request, response) =>
      void response.setHeader('content-type', 'application/json').end(
        JSON.stringify({
          client_id: id,
          client_name: 'Chatterbox',
          redirect_uris: ['http://127.0.0.1/callback'],
          grant_types: ['authorization_code', 'refresh_token'],
          token_endpoint_auth_method: 'none',
        }),
      );
    try {
      await page.goto((await program.authorizationUrl()).href);
      await fillSignIn(page, 'bob', 'bob');
      await expect(page.getByText(new URL(documents.origin).host).first()).toBeVisible();
      await allow(page, 'Chatterbox');
      await expect(page).toHaveTitle('Done');
      await program.connect();
      expect(program.kept.information?.client_id).toBe(id);
      const listed = await program.client.callTool({ name: 'list_accounts', arguments: {} });
      expect(textOf(listed)).toContain('acc_b1_everyday');
    } finally {
      await program.close();
      await system.close();
      await documents.close();
      await rm(folder, { recursive: true });
    }
  });

  test('the conversation on the page asks first, makes the real calls, and leads to the filled-in form', async ({
    page,
  }) => {
    await signIn(page, 'alice');
    await open(page, 'Agent');
    await page.getByRole('button', { name: 'Start the conversation' }).click();
    await expect(page.getByRole('button', { name: 'Allow', exact: true })).toBeVisible();
    await expectAccessible(page);
    await allow(page);
    const turns = page.getByRole('list', { name: 'Conversation' }).getByRole('listitem');
    await expect(turns).toHaveCount(3);
    await expectAccessible(page);
    await expect(turns.nth(0)).toContainText('acc_a1_everyday');
    await expect(turns.nth(1)).toContainText('refused');
    await page.getByRole('link', { name: 'Check the payment and pay' }).click();
    await expect(page.getByLabel('To')).toHaveValue('acc_b1_everyday');
    await expect(page.getByLabel('Amount')).toHaveValue('12.50');
    await expect(page.getByLabel('Reference')).toHaveValue('Lunch');
  });

  test('without a yes the agent gets nothing', async ({ page }) => {
    await signIn(page, 'carol');
    await open(page, 'Agent');
    await page.getByRole('button', { name: 'Start the conversation' }).click();
    await page.getByRole('button', { name: 'Do not allow' }).click();
    await expect(page.getByText('The conversation has ended')).toBeVisible();
  });
});
