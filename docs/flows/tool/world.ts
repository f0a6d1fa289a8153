/** Runs every flow on a composed system of its own, with a recorder between the services. */
import { join } from 'node:path';
import {
  freePorts,
  ROOT,
  signInOverHttp,
  startSystem,
  type SignedIn,
  type SignInOptions,
  type System,
} from '@behalf/scripts/system';
import { BACK_ENDS, SERVICES, variablesOf } from '@behalf/service/services';
import { createRecorder, type Party, type Recorder } from './recorder.ts';
import { renderSteps, type Step } from './render.ts';
import { RUNS } from './runs.ts';

export const FLOWS = join(ROOT, 'docs', 'flows');

/** The means of a flow. Everything is sent for real; the exchanges within a step are kept for the page. */
export interface World {
  readonly system: System;
  readonly recorder: Recorder;
  /** Records the exchanges that happen meanwhile under a title. */
  step<Result>(title: string, happens: () => Promise<Result>): Promise<Result>;
  signIn(username: string, options?: Pick<SignInOptions, 'cookies' | 'parameters'>): Promise<SignedIn>;
  /** As the browser. */
  call(api: 'api1' | 'api2', path: string, token?: string): Promise<Response>;
  /** As the browser, through API1; always under the same key. */
  payAs(token: string, amount: string): Promise<Response>;
  /** As a client, with the development secret unless it is the public one. */
  tokenRequest(client: string, parameters: Readonly<Record<string, string>>): Promise<Response>;
}

export type Run = (world: World) => Promise<void>;

/** The runs as Markdown, with the documented addresses, by the name of the page. */
export async function runFlows(): Promise<ReadonlyMap<string, string>> {
  const ports = await freePorts(BACK_ENDS.length);
  const recorded = BACK_ENDS.map((service, index) => ({ ...service, recorderPort: ports[index] ?? 0 }));
  const system = await startSystem({
    services: recorded.map(({ name }) => name),
    environment: {
      ...Object.fromEntries(
        recorded.map((service) => [variablesOf(service).url, `http://localhost:${service.recorderPort}`]),
      ),
      LOG_LEVEL: 'warn',
      EXPERIMENTS: 'off',
    },
  });
  const parties = new Map<string, Party>(
    recorded.map(({ name }) => [new URL(system.url[name]).origin, name]),
  );
  const recorder = createRecorder((origin) => parties.get(origin));
  try {
    for (const { name, recorderPort } of recorded)
      await recorder.listenFor(name, recorderPort, system.url[name]);
    const pages = new Map<string, string>();
    for (const [name, run] of Object.entries(RUNS)) {
      let page = renderSteps(await stepsOf(run, system, recorder));
      for (const { recorderPort, ...service } of recorded) {
        page = page.replaceAll(`localhost:${recorderPort}`, `localhost:${service.port}`);
      }
      for (const { name: service, port } of SERVICES) {
        page = page
          .replaceAll(system.url[service], `http://localhost:${port}`)
          .replaceAll(`token for http://localhost:${port}`, `token for ${service}`);
      }
      pages.set(name, page);
    }
    return pages;
  } finally {
    await system.close();
    await recorder.close();
  }
}

async function stepsOf(run: Run, system: System, recorder: Recorder): Promise<readonly Step[]> {
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
    signIn: (username, options) =>
      signInOverHttp({
        issuer: system.url.sts,
        webUrl: system.url.web,
        resource: system.url.api1,
        scope: 'openid api1',
        username,
        ...options,
        fetch: recorder.fetchAs('browser'),
      }),
    call: (api, path, token) =>
      recorder.fetchAs('browser')(system.url[api] + path, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),
    payAs: (token, amount) =>
      recorder.fetchAs('browser')(`${system.url.api1}/payments`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': `rent-2026-11-${amount}`,
        },
        body: JSON.stringify({
          from: 'acc_a1_everyday',
          to: 'acc_b1_everyday',
          amount,
          currency: 'EUR',
          reference: 'Rent',
        }),
      }),
    tokenRequest: (client, parameters) => {
      const isPublic = client === 'web.client';
      const sender = BACK_ENDS.find(({ name }) => client === `${name}.client`)?.name ?? 'browser';
      const body = new URLSearchParams({
        ...parameters,
        client_id: client,
        ...(!isPublic && { client_secret: 'secret' }),
      });
      return recorder.fetchAs(sender)(`${system.url.sts}/connect/token`, { method: 'POST', body });
    },
  });
  return steps;
}
