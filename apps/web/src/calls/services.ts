import type { ClientConfig } from '../config.ts';

/** A service as people call it, and as tokens do. */
export interface ServiceName {
  readonly label: string;
  /** The identifier behind the label. */
  readonly id: string;
}

const PARTIES: Readonly<Record<string, string>> = {
  browser: 'Browser',
  sts: 'Token service',
  api1: 'API1',
  api2: 'API2',
  subscriptions: 'Subscriptions',
  agent: 'Agent',
};

const CLIENTS: Readonly<Record<string, string>> = {
  'web.client': 'This web app',
  'api1.client': 'API1',
  'api2.client': 'API2',
  'subscriptions.client': 'Subscriptions',
  'agent.client': 'The agent',
  'mcp.client': 'An MCP client',
};

/** A party of the steps of a call. */
export function partyLabel(party: string): string {
  return PARTIES[party] ?? party;
}

/** A service as the client that it is at the token service. */
export function clientName(id: string): ServiceName {
  return { label: CLIENTS[id] ?? id, id };
}

type Resources = Pick<
  ClientConfig,
  'issuer' | 'api1Resource' | 'api2Resource' | 'subscriptionsResource' | 'agentResource'
>;

/** A service as an audience. One that is not known keeps its identifier for a name. */
export function audienceName(audience: string, config: Resources): ServiceName {
  const labels: Readonly<Record<string, string>> = {
    [config.subscriptionsResource]: 'Subscriptions',
    [config.agentResource]: 'Agent',
    [config.api2Resource]: 'API2',
    [config.api1Resource]: 'API1',
    [config.issuer]: 'Your account',
  };
  return { label: labels[audience] ?? audience, id: audience };
}
