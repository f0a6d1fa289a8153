import type { ClientConfig } from '../config.ts';

/** A service as people call it, and as tokens do. */
export interface ServiceName {
  readonly label: string;
  /** The identifier behind the label. */
  readonly id: string;
  /** Its name in the steps, which its colour and shape belong to. */
  readonly party: string;
}

const PARTIES: Readonly<Record<string, string>> = {
  browser: 'Browser',
  sts: 'Token service',
  api1: 'API1',
  api2: 'API2',
  subscriptions: 'Subscriptions',
  agent: 'Agent',
};

const CLIENTS: Readonly<Record<string, readonly [label: string, party: string]>> = {
  'web.client': ['This web app', 'browser'],
  'api1.client': ['API1', 'api1'],
  'api2.client': ['API2', 'api2'],
  'subscriptions.client': ['Subscriptions', 'subscriptions'],
  'agent.client': ['The agent', 'agent'],
  'mcp.client': ['An MCP client', 'browser'],
  userSubscriptionClient: ['The token service itself', 'sts'],
};

/** A party of the steps of a call. */
export function partyLabel(party: string): string {
  return PARTIES[party] ?? party;
}

/** A service as the client that it is at the token service. */
export function clientName(id: string): ServiceName {
  const [label, party] = CLIENTS[id] ?? [id, 'other'];
  return { label, id, party };
}

type Resources = Pick<
  ClientConfig,
  'issuer' | 'api1Resource' | 'api2Resource' | 'subscriptionsResource' | 'agentResource'
>;

/** A service as an audience. One that is not known keeps its identifier for a name. */
export function audienceName(audience: string, config: Resources): ServiceName {
  const known: Readonly<Record<string, readonly [label: string, party: string]>> = {
    [config.subscriptionsResource]: ['Subscriptions', 'subscriptions'],
    [config.agentResource]: ['Agent', 'agent'],
    [config.api2Resource]: ['API2', 'api2'],
    [config.api1Resource]: ['API1', 'api1'],
    [config.issuer]: ['Your account', 'sts'],
  };
  const [label, party] = known[audience] ?? [audience, 'other'];
  return { label, id: audience, party };
}
