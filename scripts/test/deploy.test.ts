import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICES } from '@behalf/service/services';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../system/service-process.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const compose = read('docker-compose.yml');

/** The section of one service in `docker-compose.yml`. */
function service(name: string): string {
  return new RegExp(`^  ${name}:\\n((?: {4}.*\\n|\\n)+)`, 'm').exec(compose)?.[1] ?? '';
}

describe('the secrets of docker-compose.yml', () => {
  const folder = mkdtempSync(join(tmpdir(), 'behalf-secrets-'));
  const make = () => execFileSync(process.execPath, [join(ROOT, 'deploy/make-secrets.mjs'), folder]);
  const held = (part: string) => readdirSync(join(folder, part)).toSorted();
  const secret = (name: string) => readFileSync(join(folder, name), 'utf8');

  beforeAll(make);
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(['sts', 'api1', 'api2', 'subscriptions', 'agent'])(
    '%s is given those that it reads, and no other',
    (part) => {
      const readByPart = [...service(part).matchAll(/_FILE: \/secrets\/(\S+)/g)].map(([, name = '']) => name);
      expect(held(part)).toEqual(readByPart.toSorted());
      expect(service(part)).toContain(`'secrets-${part}:/secrets:ro'`);
      expect(service(part).match(/secrets-/g)).toHaveLength(1);
    },
  );

  test('the web client is given none', () => {
    expect(service('web')).toContain('APP: web');
    expect(service('web')).not.toMatch(/secrets|_FILE/);
  });

  test('an API and the STS hold the same secret, and every service knows the password of its own database role', () => {
    for (const api of ['api1', 'api2', 'agent']) {
      expect(secret(`${api}/client-secret`)).toBe(secret(`sts/${api}-client-secret`));
    }
    for (const part of ['sts', 'api2', 'subscriptions']) {
      const { username, password } = new URL(secret(`${part}/database-url`));
      expect({ username, password }).toEqual({
        username: part,
        password: secret(`postgres/${part}-password`),
      });
    }
  });

  test('only their reader may read them, and no two are alike', () => {
    const names = ['postgres', 'sts'].flatMap((part) => held(part).map((name) => `${part}/${name}`));
    expect(names.map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual(names.map(() => 0o400));
    expect(new Set(names.map(secret)).size).toBe(names.length);
  });

  test('a second start keeps them, and makes what an interrupted one left out from what is there', () => {
    const parts = ['postgres', 'sts', 'api1', 'api2', 'subscriptions'];
    const all = () => parts.map((part) => held(part).map((name) => secret(`${part}/${name}`)));
    const before = all();
    for (const name of ['api2/database-url', 'api1/client-secret', 'sts/api2-client-secret']) {
      rmSync(join(folder, name));
    }
    make();
    expect(all()).toEqual(before);
  });
});

describe.each(readdirSync(join(ROOT, 'apps')))('apps/%s', (app) => {
  test('is in the list that the runner reads', () => {
    expect(SERVICES.map(({ name }) => name)).toContain(app);
  });

  test('has an image in docker-compose.yml', () => {
    expect(service(app)).toMatch(new RegExp(`args: \\{ APP: ${app} \\}`));
    expect(service(app)).toContain(`image: behalf/${app}`);
  });

  test('is reached: by the proxy, or at an address inside', () => {
    const isProxied = read('deploy/nginx.conf').includes(`upstream ${app} {`);
    expect(isProxied || compose.includes(`${app.toUpperCase()}_URL: http://${app}:`)).toBe(true);
    expect(service('proxy')).toContain(`${app}: { condition: service_healthy }`);
  });
});

test('the proxy writes no query strings, which carry codes: neither into its log nor into its error messages', () => {
  const [outside = '', http = ''] = read('deploy/nginx.conf').split(/^http \{$/m);
  expect(outside).toMatch(/^events \{.*\}$/m);
  expect(http.match(/log_format .*/g)).toHaveLength(1);
  expect(http.replaceAll(/^ +map .*$/gm, '')).not.toMatch(
    /\$(request|request_uri|args|query_string|is_args|arg_\w+|http_referer)\b/,
  );
  expect(http.match(/error_log .*/g)).toEqual(['error_log /dev/stderr emerg;']);
});

test('.env.example names every variable of docker-compose.yml', () => {
  const example = read('.env.example');
  const variables = new Set(
    [...compose.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name, value]) => `${name}=${value}`),
  );
  expect(variables.size).toBeGreaterThan(5);
  expect([...variables].filter((line) => !example.includes(`\n${line}\n`))).toEqual([]);
});
