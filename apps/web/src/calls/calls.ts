import { queryOptions } from '@tanstack/react-query';
import * as z from 'zod/mini';
import { ApiError } from '../api/api-client.ts';
import type { Api1, Subscription } from '../api/api1.ts';
import { stepsOfProblem, type Step } from '../api/steps.ts';

/** The calls that tell their steps. Experiments are offered only where they are switched on. */
export const CALLS = [
  { name: 'chain', label: 'The whole chain, to the last service', isExperiment: false },
  { name: 'insights', label: 'The premium report, for subscribers only', isExperiment: false },
  { name: 'forwarded-token', label: 'The same token forwarded, then exchanged', isExperiment: true },
  { name: 'one-scope-too-many', label: 'An exchange with one scope too many', isExperiment: true },
  { name: 'token-of-someone-else', label: 'An exchange of a token for another service', isExperiment: true },
  { name: 'careless-service', label: 'Both tokens at a service that does not check aud', isExperiment: true },
  { name: 'spliced-chains', label: 'An exchange with an actor of another chain', isExperiment: true },
] as const;

export type CallName = (typeof CALLS)[number]['name'];

export interface MadeCall {
  readonly steps: readonly Step[];
  /** The whole call was refused; the steps say where. */
  readonly refusal?: ApiError;
  /** The answer of the chain; null: there is no subscription. Absent when the call is another one, or was refused. */
  readonly subscription?: Subscription | null;
}

/** Makes a call. A refusal that tells its steps is a result; what tells none throws, as the API client does. */
export async function makeCall(api1: Api1, name: CallName, options: CallOptions = {}): Promise<MadeCall> {
  try {
    if (name === 'chain') {
      const { steps, subscription = null } = await api1.chain(options);
      return { steps, subscription };
    }
    if (name === 'insights') return { steps: (await api1.insights(options)).steps };
    return { steps: (await api1.experiment(name, z.looseObject({}), options)).steps };
  } catch (error) {
    const steps = error instanceof ApiError ? stepsOfProblem(error.problem) : [];
    if (!(error instanceof ApiError) || steps.length === 0) throw error;
    return { steps, refusal: error };
  }
}

interface CallOptions {
  /** See ApiRequest.fresh. */
  readonly fresh?: boolean;
  readonly signal?: AbortSignal;
}

/** Each visit and each choice makes a call of its own; none is repeated behind the person's back. */
export function callQuery(api1: Api1, name: CallName, fresh: boolean) {
  return queryOptions({
    queryKey: ['call', name, fresh],
    queryFn: ({ signal }) => makeCall(api1, name, { fresh, signal }),
    gcTime: 0,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}
