import {
  Client,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { config } from 'zod/mini';
import * as z from 'zod/mini';
import { exampleTarget } from '../payments/draft.ts';

// The library would compile its schemas, which the content security policy forbids.
config({ jitless: true });

/** A call of the agent's in a conversation, and what it answered. */
export interface Turn {
  /** The request that a person would type. */
  readonly request: string;
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly isRefused: boolean;
  readonly answer: string;
  /** A path of this site, with the payment form filled in. */
  readonly link?: string | undefined;
}

const STORED = 'behalf.agent';

interface Stored {
  readonly codeVerifier?: string;
  readonly discovery?: OAuthDiscoveryState;
}

/**
 * The sign-in of an MCP client, by the library's own code: discovery from the challenge, PKCE, the consent page. The tab
 * keeps what the way back needs; the tokens are in memory only.
 */
function createSignIn(storage: Storage): OAuthClientProvider {
  let tokens: Awaited<ReturnType<OAuthClientProvider['tokens']>>;
  const load = () => JSON.parse(storage.getItem(STORED) ?? '{}') as Stored;
  const save = (part: Stored) => storage.setItem(STORED, JSON.stringify({ ...load(), ...part }));
  const redirectUrl = `${location.origin}/agent`;
  return {
    redirectUrl,
    clientMetadata: { redirect_uris: [redirectUrl], token_endpoint_auth_method: 'none' },
    clientInformation: () => ({ client_id: 'mcp.client' }),
    tokens: () => tokens,
    saveTokens: (issued) => void (tokens = issued),
    redirectToAuthorization: (url) => location.assign(url),
    saveCodeVerifier: (codeVerifier) => save({ codeVerifier }),
    codeVerifier: () => load().codeVerifier ?? '',
    saveDiscoveryState: (discovery) => save({ discovery }),
    discoveryState: () => load().discovery,
  };
}

/** The answer of the consent page, as this page's address has it. */
export function answerInAddress(): URLSearchParams | undefined {
  const answer = new URLSearchParams(location.search);
  return answer.has('code') || answer.has('error') ? answer : undefined;
}

const accountsSchema = z.object({ accounts: z.array(z.object({ id: z.string(), currency: z.string() })) });
const linkSchema = z.object({ link: z.url() });

/**
 * A conversation without a model: three requests that a person could make, and the calls that an agent makes for them.
 * Without an `answer` of the consent page it goes there, and never resolves. Throws what the calls throw.
 */
export async function converse(
  agentUrl: string,
  answer: URLSearchParams | undefined,
  onTurn: (turn: Turn) => void,
): Promise<void> {
  const authProvider = createSignIn(sessionStorage);
  const transport = () => new StreamableHTTPClientTransport(new URL(`${agentUrl}/mcp`), { authProvider });
  const client = new Client({ name: 'behalf-web', version: '0.1.0' });
  try {
    if (answer !== undefined) {
      await transport().finishAuth(answer);
      sessionStorage.removeItem(STORED);
    }
    await client.connect(transport());
  } catch (error) {
    if (error instanceof UnauthorizedError && answer === undefined) return new Promise(() => undefined);
    throw error;
  }

  async function turn(request: string, tool: string, input: Readonly<Record<string, unknown>>) {
    const { content, isError, structuredContent } = await client.callTool({ name: tool, arguments: input });
    const link = linkSchema.safeParse(structuredContent).data?.link;
    const text = content.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
    onTurn({ request, tool, input, isRefused: isError === true, answer: text, link });
    return structuredContent;
  }

  try {
    const listed = await turn('How much do I have?', 'list_accounts', {});
    const accounts = accountsSchema.safeParse(listed).data?.accounts ?? [];
    const [from] = accounts;
    if (from === undefined) return;
    const { id: to, owner } = exampleTarget(accounts);
    const payment = { from: from.id, to, amount: '12.50', reference: 'Lunch' };
    await turn(`Pay ${owner} 12.50 for lunch.`, 'pay', { ...payment, currency: from.currency });
    await turn('Then prepare it for me.', 'prepare_payment', payment);
  } finally {
    await client.close();
  }
}
