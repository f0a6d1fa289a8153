import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES } from '@behalf/service/services';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { ROOT } from '../system/service-process.ts';

interface Peer {
  readonly podSelector?: { readonly matchLabels: { readonly app: string } };
  readonly namespaceSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number }[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly replicas?: number;
    readonly minAvailable?: number;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
    readonly ports?: readonly { readonly port: number }[];
    readonly template?: {
      readonly spec: {
        readonly containers: readonly {
          readonly image: string;
          readonly ports: readonly { readonly containerPort: number }[];
          readonly envFrom: readonly { readonly secretRef?: { readonly name: string } }[];
        }[];
      };
    };
  };
}

const read = (file: string) => readFileSync(join(ROOT, 'deploy/kubernetes', file), 'utf8');
const manifests = (file: string) =>
  parseAllDocuments(read(file)).map((document) => document.toJS() as Manifest);
const parts = manifests('services.yaml');
const policies = manifests('network-policies.yaml');
const find = (kind: string, name: string) =>
  parts.find((part) => part.kind === kind && part.metadata.name === name)?.spec;

test.each([...SERVICES])(
  '$name has two replicas, a Service at its port, and a secret of its own at most',
  ({ name, port }) => {
    const container = find('Deployment', name)?.template?.spec.containers[0];
    expect(find('Deployment', name)?.replicas).toBe(2);
    expect(container?.image).toBe(`behalf/${name}`);
    expect(container?.ports.map(({ containerPort }) => containerPort)).toEqual([port]);
    expect(find('Service', name)?.ports?.map((each) => each.port)).toEqual([port]);
    expect(find('PodDisruptionBudget', name)?.minAvailable).toBe(1);
    const secrets = container?.envFrom.flatMap(({ secretRef }) => secretRef?.name ?? []);
    expect(secrets).toEqual(name === 'web' ? [] : [name]);
  },
);

/** The arrows of the picture in the README, and the STS's notices of a logout. */
const ARROWS = [
  'ingress-nginx → sts',
  'ingress-nginx → api1',
  'ingress-nginx → agent',
  'ingress-nginx → web',
  'api1 → sts',
  'api2 → sts',
  'subscriptions → sts',
  'api1 → api2',
  'api2 → subscriptions',
  'agent → sts',
  'agent → api2',
  'sts → subscriptions',
  'sts → api1',
  'sts → api2',
];

function nameOf({ podSelector, namespaceSelector }: Peer): string {
  return podSelector?.matchLabels.app ?? Object.values(namespaceSelector?.matchLabels ?? {}).join();
}

test('the network policies allow the arrows of the picture and no others', () => {
  const into = policies.flatMap(({ metadata, spec }) =>
    (spec.ingress ?? []).flatMap(({ from = [] }) => from.map((peer) => `${nameOf(peer)} → ${metadata.name}`)),
  );
  const outOf = policies.flatMap(({ metadata, spec }) =>
    (spec.egress ?? []).flatMap(({ to = [] }) => to.map((peer) => `${metadata.name} → ${nameOf(peer)}`)),
  );
  const inside = ARROWS.filter((arrow) => !arrow.startsWith('ingress'));
  expect(into.toSorted()).toEqual(ARROWS.toSorted());
  expect(outOf.toSorted()).toEqual(['default → kube-system', ...inside].toSorted());
  const anywhere = policies.flatMap(({ metadata, spec }) =>
    (spec.egress ?? []).flatMap(({ to, ports = [] }) =>
      to === undefined ? ports.map(({ port }) => `${metadata.name} → ${port}`) : [],
    ),
  );
  expect(anywhere).toEqual(['sts → 5432', 'api2 → 5432', 'subscriptions → 5432']);
  expect(policies.find(({ metadata }) => metadata.name === 'default')?.spec.policyTypes).toEqual([
    'Ingress',
    'Egress',
  ]);
});

test('every part is unprivileged, is probed, and gets no addresses of other Services as variables', () => {
  const patch = parse(read('every-part.yaml')) as {
    spec: { template: { spec: Record<string, unknown> & { containers: Record<string, unknown>[] } } };
  };
  const { containers, ...pod } = patch.spec.template.spec;
  expect(pod).toMatchObject({
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true },
  });
  expect(containers).toMatchObject([
    {
      name: 'app',
      readinessProbe: { httpGet: { path: '/health/ready' } },
      livenessProbe: { httpGet: { path: '/health/live' } },
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
    },
  ]);
});

const random = () => randomBytes(32).toString('base64');
const DATABASE_URL = 'postgres://behalf:secret@db.example.com/behalf?sslmode=verify-full';
const SECRETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sts: {
    DATABASE_URL,
    KEY_ENCRYPTION_KEY: `2026-11-28:${random()}`,
    API1_CLIENT_SECRET: random(),
    API2_CLIENT_SECRET: random(),
    SUBSCRIPTIONS_CLIENT_SECRET: random(),
    AGENT_CLIENT_SECRET: random(),
  },
  api1: { API1_CLIENT_SECRET: random() },
  api2: { API2_CLIENT_SECRET: random(), DATABASE_URL },
  subscriptions: { DATABASE_URL },
  agent: { AGENT_CLIENT_SECRET: random() },
};

test('every part accepts the settings in production, with the secrets of its own', () => {
  const settings = Object.fromEntries(
    [...read('settings.env').matchAll(/^(\w+)=(.*)$/gm)].map(([, variable = '', value = '']) => [
      variable,
      value,
    ]),
  );
  const loads = SERVICES.map(({ name }) => ({
    config: join(ROOT, 'apps', name, name === 'web' ? 'server' : 'src', 'config.ts'),
    environment: { ...settings, ...SECRETS[name] },
  }));
  const script = `for (const { config, environment } of ${JSON.stringify(loads)}) (await import(config)).loadConfig(environment)`;
  const run = () =>
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: {}, stdio: 'pipe' });
  expect(run).not.toThrow();
});
