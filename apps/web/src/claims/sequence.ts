import type { Chain, Claims, Hop } from '../api/api1.ts';

/** A party of the sequence diagram. */
export interface Party {
  readonly id: string;
  readonly label: string;
}

export interface SequenceStep {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly kind: 'call' | 'exchange' | 'kept' | 'answer' | 'refusal';
  /** The hop whose token this step carries, asks for or brings. */
  readonly hop: number;
  readonly durationMs: number | undefined;
}

export const BROWSER: Party = { id: 'browser', label: 'Browser' };
export const TOKEN_SERVICE: Party = { id: 'sts', label: 'Token service' };

const LABELS: Readonly<Record<string, string>> = {
  api1: 'API1',
  api2: 'API2',
  subscriptions: 'Subscriptions',
};

export function serviceLabel(service: string): string {
  return LABELS[service] ?? service;
}

/** Everyone who takes part, in the order in which they come in; the token service stands beside the browser. */
export function partiesOf(chain: Chain): readonly Party[] {
  return [
    BROWSER,
    TOKEN_SERVICE,
    ...chain.hops.map(({ service }) => ({ id: service, label: serviceLabel(service) })),
  ];
}

/** The steps of a call, from what the services reported: per hop the exchange that brought its token, then the call. */
export function stepsOf(chain: Chain, durationMs?: number): readonly SequenceStep[] {
  const last = chain.hops.length - 1;
  const steps = chain.hops.flatMap((hop, index): SequenceStep[] => {
    const caller = chain.hops[index - 1]?.service ?? BROWSER.id;
    const call: SequenceStep = {
      from: caller,
      to: hop.service,
      label: index === 0 ? 'calls with your token' : 'calls with the new token',
      kind: 'call',
      hop: index,
      durationMs: hop.duration_ms ?? undefined,
    };
    return index === 0 ? [call] : [...exchangeSteps(hop, caller, index), call];
  });
  const answer = {
    from: BROWSER.id,
    to: BROWSER.id,
    label: 'has the answer',
    kind: 'answer',
    hop: last,
    durationMs,
  } as const;
  return [...steps, answer];
}

function exchangeSteps(hop: Hop, caller: string, index: number): SequenceStep[] {
  const durationMs = hop.exchange?.duration_ms;
  if (hop.exchange?.cached === true) {
    return [
      {
        from: caller,
        to: caller,
        label: 'still has a token for this user',
        kind: 'kept',
        hop: index,
        durationMs,
      },
    ];
  }
  const grantType = hop.exchange?.grant_type;
  return [
    {
      from: caller,
      to: TOKEN_SERVICE.id,
      label: grantType === undefined ? 'asks for a token' : `asks: ${grantLabel(grantType)}`,
      kind: 'exchange',
      hop: index,
      durationMs: undefined,
    },
    {
      from: TOKEN_SERVICE.id,
      to: caller,
      label: `token for ${serviceLabel(hop.service)}`,
      kind: 'exchange',
      hop: index,
      durationMs,
    },
  ];
}

export function grantLabel(grantType: string | null | undefined): string {
  if (!grantType) return 'token exchange';
  return grantType === 'urn:ietf:params:oauth:grant-type:token-exchange'
    ? 'token exchange (RFC 8693)'
    : grantType;
}

/** A call that API1 answered with a refusal: what happened behind it is not known here. */
export function refusedSteps(status: number): readonly SequenceStep[] {
  const [browser, api1] = [BROWSER.id, 'api1'];
  return [
    { from: browser, to: api1, label: 'calls with your token', kind: 'call', hop: 0, durationMs: undefined },
    { from: api1, to: browser, label: `refuses: ${status}`, kind: 'refusal', hop: 0, durationMs: undefined },
  ];
}

/** What the chain says about the call beside the token's own claims. */
const NOT_CLAIMS = new Set(['service', 'exchange', 'duration_ms']);

export function claimsOf(hop: Hop): Claims {
  return Object.fromEntries(Object.entries(hop).filter(([name]) => !NOT_CLAIMS.has(name)));
}
