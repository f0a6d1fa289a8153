import type { Policy, PolicyQuestion, PolicyVerdict } from '../api/policy.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export const GRANTS = [
  ['delegation', 'delegation'],
  ['translation', 'translation (subscribers)'],
  [TOKEN_EXCHANGE, 'token exchange (RFC 8693)'],
] as const;

/** In the place of a person: the token is a client's own. */
export const NO_PERSON = 'a machine';

/** A question and whom it is about; the person decides on `may_act` alone. */
export interface Asked {
  readonly person: string;
  readonly question: PolicyQuestion;
}

export interface Preset extends Asked {
  readonly label: string;
}

const FIRST_HOP: PolicyQuestion = {
  actor: 'api1.client',
  grant_type: 'delegation',
  subject_token: { audience: 'api1', subject: 'user', scopes: ['api1'], actors: [], may_act: null },
  audience: 'api2',
  scopes: ['api2'],
};

export const FIRST_QUESTION: Asked = { person: 'alice', question: FIRST_HOP };

/** Questions worth asking. */
export function presetsOf(policy: Policy): readonly Preset[] {
  const limited = policy.users.find((user) => user.may_act !== null);
  return [
    { label: 'API1 at API2, for Alice', ...FIRST_QUESTION },
    {
      label: 'API2 at Subscriptions, on behalf of API1',
      person: 'alice',
      question: {
        actor: 'api2.client',
        grant_type: TOKEN_EXCHANGE,
        subject_token: {
          audience: 'api2',
          subject: 'user',
          scopes: ['api2'],
          actors: ['api1.client'],
          may_act: null,
        },
        audience: 'subscriptions',
        scopes: ['subscriptions.read'],
      },
    },
    {
      label: 'One scope too many',
      person: 'alice',
      question: { ...FIRST_HOP, scopes: ['api2', 'api2.premium'] },
    },
    {
      label: 'A token for another service',
      person: 'alice',
      question: {
        ...FIRST_HOP,
        subject_token: { ...FIRST_HOP.subject_token, audience: 'api2', scopes: ['api2'] },
      },
    },
    ...(limited
      ? [
          {
            label: `For ${capital(limited.name)}, who lets nobody here act`,
            person: limited.name,
            question: {
              ...FIRST_HOP,
              subject_token: { ...FIRST_HOP.subject_token, may_act: limited.may_act },
            },
          },
        ]
      : []),
  ];
}

const FAULTS: Readonly<Record<string, string>> = {
  presenter:
    'This client may not exchange such a token. Only the client of the service that the token is meant for may.',
  no_rule: 'No row of the policy lets this client act there with such a token.',
  scope: 'A scope lies outside what the row allows, or outside what the client is registered for.',
  target: 'More than one row fits. The request must say which: by its scopes or its target.',
  client_token: 'The token is a client’s own. No row lets a service act for a client with these scopes.',
  depth: 'The chain of actors would be longer than the row allows.',
  cycle: 'This client acts already in the chain. Nobody may act twice in one.',
  dpop_required: 'The row wants the new token bound to a key of the actor.',
  may_act_not_permitted:
    'The table allows it, and the token does not: its claim may_act names another client. That claim says who alone may act for this person; the token service puts it into every token of theirs.',
};

/** The same for one row alone. */
export function rowText(verdict: PolicyVerdict): string {
  return !verdict.allowed && verdict.fault === 'no_rule'
    ? 'It is for another client, another service or another kind of token.'
    : verdictText(verdict);
}

export function verdictText(verdict: PolicyVerdict): string {
  return verdict.allowed ? 'Allowed.' : (FAULTS[verdict.fault] ?? `Refused: ${verdict.description}.`);
}

export function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
