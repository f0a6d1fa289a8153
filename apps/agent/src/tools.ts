import { DelegationError, type DelegationClient } from '@behalf/auth';
import type { RequestAuth } from '@behalf/auth/express';
import { jsonOf, Problem, type Upstream, type UpstreamRequest } from '@behalf/service';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AddTools } from './mcp.ts';

const order = z.object({
  from: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .describe('One of the user’s accounts, by id'),
  to: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .describe('The account to pay to, by id'),
  amount: z
    .string()
    .regex(/^\d{1,15}(\.\d{1,3})?$/)
    .describe('A decimal string such as "12.50"'),
  reference: z.string().min(1).max(140).describe('What the payment is for'),
});

const accounts = z.object({
  accounts: z.array(
    z.object({ id: z.string(), name: z.string(), currency: z.string(), balance: z.string() }),
  ),
});

const refusal = z.object({ detail: z.string().max(1024) });

export interface ToolDependencies {
  readonly delegation: DelegationClient;
  readonly api2: Upstream;
  readonly webUrl: string;
}

/**
 * The tools. Each call to API2 carries a token that the STS issued for this one purpose, in which this service acts for the
 * user (RFC 8693); the caller's token goes nowhere. A refusal is a result that says why, because the agent is to tell it.
 */
export function createTools({ delegation, api2, webUrl }: ToolDependencies): AddTools {
  async function callApi2(
    caller: RequestAuth,
    request: Omit<UpstreamRequest, 'accessToken'>,
  ): Promise<{ readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly why: string }> {
    try {
      const source = () => delegation.exchange({ subjectToken: caller, scopes: ['api2'] });
      const answer = await delegation.withToken(source, ({ accessToken }) =>
        api2.send({ ...request, accessToken }),
      );
      const body = jsonOf(answer);
      if (answer.status < 400) return { ok: true, body };
      const { detail } = refusal.safeParse(body).data ?? {};
      return { ok: false, why: `API2 refused: ${detail ?? `status ${answer.status}`}` };
    } catch (error) {
      if (error instanceof DelegationError) return { ok: false, why: wordsOf(error) };
      if (error instanceof Problem) return { ok: false, why: error.message };
      throw error;
    }
  }

  return (server, caller) => {
    server.registerTool(
      'list_accounts',
      {
        title: 'List accounts',
        description: 'The user’s accounts with their balances.',
        inputSchema: z.object({}),
        outputSchema: accounts,
        annotations: { readOnlyHint: true, openWorldHint: false },
      },
      async () => {
        const answer = await callApi2(caller, { path: '/accounts' });
        if (!answer.ok) return refused(answer.why);
        const list = accounts.parse(answer.body);
        return { content: [{ type: 'text', text: JSON.stringify(list) }], structuredContent: list };
      },
    );

    server.registerTool(
      'prepare_payment',
      {
        title: 'Prepare a payment',
        description:
          'Books nothing. Returns a link to the payment form with these values; the user checks them and pays.',
        inputSchema: order,
        outputSchema: z.object({ link: z.string() }),
        annotations: { readOnlyHint: true, openWorldHint: false },
      },
      async (payment) => {
        const link = `${webUrl}/pay?${new URLSearchParams(payment).toString()}`;
        return {
          content: [{ type: 'text', text: `Nothing is booked yet. The user pays here: ${link}` }],
          structuredContent: { link },
        };
      },
    );

    server.registerTool(
      'pay',
      {
        title: 'Pay',
        description: 'Always refused: the bank takes no payments from an agent. Use prepare_payment.',
        inputSchema: order.extend({ currency: z.string().regex(/^[A-Z]{3}$/) }),
        annotations: { destructiveHint: true, openWorldHint: false },
      },
      async (payment) => {
        const answer = await callApi2(caller, {
          method: 'POST',
          path: '/payments',
          headers: { 'idempotency-key': randomUUID() },
          body: payment,
        });
        if (answer.ok) return { content: [{ type: 'text', text: 'The payment is booked.' }] };
        return refused(`${answer.why} Payments are the user’s own: use prepare_payment.`);
      },
    );
  };
}

function refused(why: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: why }] };
}

function wordsOf({ kind, reason }: DelegationError): string {
  if (kind === 'unavailable') return 'The sign-in service does not answer. Try again.';
  if (reason === 'policy')
    return 'The agent may not act for the user: they have taken it back, or never allowed it.';
  return 'The sign-in behind this conversation has ended. The user must sign in again.';
}
