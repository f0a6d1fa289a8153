import { freePorts, signInOverHttp, startSystem, type SignedIn, type System } from '../system/index.ts';
import type { Party, Step } from './exchange.ts';
import type { Addresses } from './present.ts';
import { createRecorder, type Recorder } from './recorder.ts';

/** What a flow is made with. Everything is sent for real; what happens within a step is kept for the page. */
export interface World {
  readonly system: System;
  readonly recorder: Recorder;
  /** Records what happens meanwhile under a title. */
  step<Result>(title: string, happens: () => Promise<Result>): Promise<Result>;
  signIn(username: string): Promise<SignedIn>;
  /** As the browser. */
  call(api: 'api1' | 'api2', path: string, token?: string): Promise<Response>;
  /** As a client, with the development secret unless it is the public one. */
  tokenRequest(client: string, parameters: Readonly<Record<string, string>>): Promise<Response>;
}

export type Run = (world: World) => Promise<void>;

const SERVICES = ['sts', 'api1', 'api2', 'subscriptions'] as const;
const DOCUMENTED = { sts: 4000, api1: 4001, api2: 4002, subscriptions: 4003, web: 5173 } as const;

/** The composed system, with a recorder between the services. */
export async function startRecordedSystem() {
  const ports = await freePorts(SERVICES.length);
  const portOf = new Map(SERVICES.map((name, index) => [name, ports[index] ?? 0]));
  const system = await startSystem({
    parts: SERVICES,
    environment: {
      ...Object.fromEntries(
        [...portOf].map(([name, port]) => [`${name.toUpperCase()}_URL`, `http://localhost:${port}`]),
      ),
      LOG_LEVEL: 'warn',
      EXPERIMENTS: 'off',
    },
  });
  const parties = new Map<string, Party>(SERVICES.map((name) => [new URL(system.url[name]).origin, name]));
  const recorder = createRecorder((origin) => parties.get(origin));
  for (const [name, port] of portOf) await recorder.listenFor(name, port, system.url[name]);
  return {
    system,
    recorder,
    addresses: documentedAddresses(system, portOf),
    close: async () => {
      await system.close();
      await recorder.close();
    },
  };
}

/** Runs one flow and returns its steps. */
export async function stepsOf(run: Run, system: System, recorder: Recorder): Promise<readonly Step[]> {
  const steps: Step[] = [];
  await run({
    system,
    recorder,
    async step(title, happens) {
      recorder.take();
      const result = await happens();
      steps.push({ title, exchanges: recorder.take() });
      return result;
    },
    signIn: (username) =>
      signInOverHttp({
        issuer: system.url.sts,
        webUrl: system.url.web,
        resource: system.url.api1,
        scope: 'openid api1',
        username,
        fetch: recorder.fetchAs('browser'),
      }),
    call: (api, path, token) =>
      recorder.fetchAs('browser')(system.url[api] + path, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),
    tokenRequest: (client, parameters) =>
      recorder.fetchAs(client === 'web.client' ? 'browser' : client === 'api1.client' ? 'api1' : 'api2')(
        `${system.url.sts}/connect/token`,
        {
          method: 'POST',
          body: new URLSearchParams({
            ...parameters,
            client_id: client,
            ...(client !== 'web.client' && { client_secret: 'secret' }),
          }),
        },
      ),
  });
  return steps;
}

function documentedAddresses(system: System, portOf: ReadonlyMap<string, number>): Addresses {
  const replacements = Object.entries(DOCUMENTED).flatMap(([name, documented]) => {
    const own = new URL(system.url[name as keyof typeof DOCUMENTED]).port;
    return [own, portOf.get(name)].map((port) => [`localhost:${port}`, `localhost:${documented}`] as const);
  });
  const names = Object.entries(DOCUMENTED).map(
    ([name, port]) => [`token for http://localhost:${port}`, `token for ${name}`] as const,
  );
  return (text) =>
    [...replacements, ...names].reduce((replaced, [from, to]) => replaced.replaceAll(from, to), text);
}
