import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signInOverHttp, startSystem, type SignedIn, type System } from '@behalf/scripts/system';
import { expect, test } from '@playwright/test';

interface Span {
  readonly service: string;
  readonly traceId: string;
  readonly name: string;
}

/** The members of OTLP over HTTP that are read here (opentelemetry-proto, JSON encoding). */
interface ExportedTraces {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly stringValue?: string };
      }[];
    };
    readonly scopeSpans: readonly {
      readonly spans: readonly { readonly traceId: string; readonly name: string }[];
    }[];
  }[];
}

test.describe('OpenTelemetry', () => {
  const exported: string[] = [];
  let collector: Server;
  let system: System;
  let alice: SignedIn;

  test.beforeAll(async () => {
    collector = createServer((request, response) => {
      let body = '';
      request
        .setEncoding('utf8')
        .on('data', (part: string) => (body += part))
        .on('end', () => {
          exported.push(body);
          response.setHeader('content-type', 'application/json').end('{}');
        });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    system = await startSystem({
      services: ['sts', 'api1', 'api2', 'subscriptions'],
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    });
    alice = await signInOverHttp({
      issuer: system.url.sts,
      webUrl: system.url.web,
      resource: system.url.api1,
      scope: 'openid api1',
      username: 'alice',
    });
    await fetch(`${system.url.api1}/chain`, { headers: { authorization: `Bearer ${alice.accessToken}` } });
    await fetch(`${system.url.sts}/connect/endsession?id_token_hint=${alice.idToken}`, {
      redirect: 'manual',
    });
  });
  test.afterAll(async () => {
    await system.close();
    collector.close();
  });

  const spans = (): readonly Span[] =>
    exported.flatMap((text) =>
      (JSON.parse(text) as ExportedTraces).resourceSpans.flatMap(({ resource, scopeSpans }) => {
        const service =
          resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
        return scopeSpans.flatMap((scope) =>
          scope.spans.map(({ traceId, name }) => ({ service, traceId, name })),
        );
      }),
    );

  test('shows a call through all services as one trace', async () => {
    const servicesPerTrace = () => {
      const services = new Map<string, Set<string>>();
      for (const { traceId, service } of spans())
        services.set(traceId, (services.get(traceId) ?? new Set()).add(service));
      return [...services.values()].map((names) => [...names].toSorted());
    };
    await expect.poll(servicesPerTrace).toContainEqual(['api1', 'api2', 'sts', 'subscriptions']);
  });

  test('receives no token, code, secret, cookie and password', async () => {
    // The sign-out came last and went to the STS alone: once it has been exported, all has been.
    await expect.poll(() => exported.join().includes('/connect/endsession')).toBe(true);
    const text = exported.join();
    for (const secret of [alice.accessToken, alice.refreshToken, alice.idToken, alice.code, alice.cookies])
      expect(text).not.toContain(secret?.slice(-40) ?? 'absent');
    expect(text).not.toMatch(/eyJ[\w-]{10}|id_token_hint=|client_secret|password=|code=/);
  });
});
