import * as z from 'zod/mini';
import { UnexpectedAnswer, type ApiClient, type ApiRequest } from './api-client.ts';
import { stepsSchema, type Step } from './steps.ts';

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

const subscriptionSchema = z.looseObject({
  plan: z.optional(z.nullable(z.string())),
  status: z.string(),
  renewsAt: z.optional(z.nullable(z.string())),
});

const chainSchema = z.object({
  subscription: z.optional(z.nullable(subscriptionSchema)),
  steps: stepsSchema,
});

const experimentSchema = z.looseObject({ steps: stepsSchema });

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
  steps: stepsSchema,
});

export type Account = z.infer<typeof accountsSchema>['accounts'][number];
export type Payment = z.infer<typeof paymentSchema>;
export type Chain = z.infer<typeof chainSchema>;
export type Subscription = z.infer<typeof subscriptionSchema>;
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

  /** `fresh`: as in `chain`. */
  async insights(options: Pick<ApiRequest, 'fresh' | 'signal'> = {}): Promise<Insights> {
    return (await this.#client.read(insightsSchema, '/insights', options)).data;
  }

  /** Runs the whole chain. `fresh` starts from a token that no service has seen yet, so that none answers from memory. */
  async chain(options: Pick<ApiRequest, 'fresh' | 'signal'> = {}): Promise<Chain> {
    return (await this.#client.read(chainSchema, '/chain', options)).data;
  }

  /** Runs one of API1's experiments; what it answers beside `steps` is in the form of `schema`. */
  async experiment<Schema extends z.ZodMiniType>(
    name: string,
    schema: Schema,
    options: Pick<ApiRequest, 'fresh' | 'signal'> = {},
  ): Promise<{ result: z.infer<Schema>; steps: readonly Step[] }> {
    const path = `/experiments/${name}`;
    const { data } = await this.#client.read(experimentSchema, path, options);
    const { steps, ...rest } = data;
    const parsed = schema.safeParse(rest);
    if (!parsed.success)
      throw new UnexpectedAnswer(`${path} answered in a form that this page does not know.`);
    return { result: parsed.data, steps };
  }
}

function withSignal(signal: AbortSignal | undefined) {
  return signal ? { signal } : {};
}
