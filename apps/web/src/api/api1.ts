import * as z from 'zod/mini';
import type { ApiClient } from './api-client.ts';

/** Amounts are decimal strings: money is never a float here. */
const decimal = z.string().check(z.regex(/^-?\d+(\.\d+)?$/));

const accountsSchema = z.object({
  accounts: z.array(z.object({ id: z.string(), name: z.string(), currency: z.string(), balance: decimal })),
});

const paymentSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  from: z.optional(z.string()),
  to: z.optional(z.string()),
  amount: z.optional(decimal),
  currency: z.optional(z.string()),
  reference: z.optional(z.string()),
});

const claimsSchema = z.record(z.string(), z.unknown());

const subscriptionSchema = z.looseObject({
  plan: z.optional(z.nullable(z.string())),
  status: z.string(),
  renewsAt: z.optional(z.nullable(z.string())),
});

/** How a hop's token was come by: which grant, whether it was in the cache, and how long that and the call took. */
const exchangeSchema = z.looseObject({
  grant_type: z.optional(z.string()),
  cached: z.optional(z.boolean()),
  duration_ms: z.optional(z.number()),
});

const hopSchema = z.looseObject({
  service: z.string(),
  exchange: z.optional(z.nullable(exchangeSchema)),
  duration_ms: z.optional(z.nullable(z.number())),
});

const chainSchema = z.object({
  hops: z.array(hopSchema),
  subscription: z.optional(z.nullable(subscriptionSchema)),
});

const forwardedTokenSchema = z.object({
  forwarded: z.object({
    status: z.number(),
    challenge: z.optional(z.nullable(z.string())),
    problem: z.optional(z.unknown()),
  }),
  delegated: z.object({ status: z.number() }),
});

const insightsSchema = z.object({
  /** As the token said it; absent when API2 does not repeat it. */
  subscription: z.optional(z.nullable(subscriptionSchema)),
  /** ISO dates, both included. */
  period: z.object({ from: z.string(), to: z.string() }),
  totals: z.array(
    z.object({
      currency: z.string(),
      payments: z.number(),
      spent: decimal,
      average: decimal,
      largest: decimal,
      movedBetweenOwnAccounts: decimal,
    }),
  ),
  payees: z.array(
    z.object({ account: z.string(), currency: z.string(), payments: z.number(), total: decimal }),
  ),
  months: z.array(z.object({ /** `2026-11` */ month: z.string(), currency: z.string(), spent: decimal })),
});

export type Account = z.infer<typeof accountsSchema>['accounts'][number];
export type Payment = z.infer<typeof paymentSchema>;
export type Claims = z.infer<typeof claimsSchema>;
export type Hop = z.infer<typeof hopSchema>;
export type Chain = z.infer<typeof chainSchema>;
export type Subscription = z.infer<typeof subscriptionSchema>;
export type ForwardedToken = z.infer<typeof forwardedTokenSchema>;
export type Insights = z.infer<typeof insightsSchema>;

export interface PaymentOrder {
  readonly from: string;
  readonly to: string;
  readonly amount: string;
  readonly currency: string;
  readonly reference: string;
}

export interface BookedPayment {
  readonly payment: Payment;
  /** The answer is the first one again: an earlier try had already booked it. */
  readonly replayed: boolean;
}

/** API1's routes, as methods. Errors as in ApiClient. */
export class Api1 {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /** The claims of the caller's own token, as API1 sees them. */
  async identity(signal?: AbortSignal): Promise<Claims> {
    return (await this.#client.read(claimsSchema, '/identity', withSignal(signal))).data;
  }

  async accounts(signal?: AbortSignal): Promise<readonly Account[]> {
    return (await this.#client.read(accountsSchema, '/accounts', withSignal(signal))).data.accounts;
  }

  /** One order under one key is booked at most once, however often it is sent. */
  async pay(order: PaymentOrder, idempotencyKey: string): Promise<BookedPayment> {
    const { data, headers } = await this.#client.read(paymentSchema, '/payments', {
      method: 'POST',
      headers: { 'Idempotency-Key': idempotencyKey },
      body: order,
    });
    return { payment: data, replayed: headers.get('Idempotency-Replayed') === 'true' };
  }

  async insights(signal?: AbortSignal): Promise<Insights> {
    return (await this.#client.read(insightsSchema, '/insights', withSignal(signal))).data;
  }

  async chain(signal?: AbortSignal): Promise<Chain> {
    return (await this.#client.read(chainSchema, '/chain', withSignal(signal))).data;
  }

  async forwardedToken(): Promise<ForwardedToken> {
    return (await this.#client.read(forwardedTokenSchema, '/experiments/forwarded-token')).data;
  }
}

function withSignal(signal: AbortSignal | undefined) {
  return signal ? { signal } : {};
}
