/** The code of docs/user-directory.md is compiled and run as it stands there. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { UserDirectory } from '../../src/federation/directory.ts';
import { refresh, signIn } from '../support/sign-in.ts';
import { startTestSts } from '../support/sts.ts';

interface Documented {
  createRestDirectory(url: string, key: string): UserDirectory;
  createLdapDirectory(connect: () => unknown, account: object): UserDirectory;
}

const ROOT = path.resolve(import.meta.dirname, '../..');

let folder: string;
let file: string;

beforeAll(async () => {
  const page = await readFile(path.join(ROOT, '../../docs/user-directory.md'), 'utf8');
  const examples = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code);
  await mkdir(path.join(ROOT, '.data'), { recursive: true });
  folder = await mkdtemp(path.join(ROOT, '.data', 'user-directory-'));
  file = path.join(folder, 'example.ts');
  await writeFile(file, examples.join('\n').replace("'./federation/", "'../../src/federation/"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('it compiles under this repository’s own settings', async () => {
  const project = path.join(folder, 'tsconfig.json');
  await writeFile(project, JSON.stringify({ extends: path.join(ROOT, 'tsconfig.json'), include: [file] }));
  const packageFile = createRequire(import.meta.url).resolve('typescript/package.json');
  const tsc = path.join(path.dirname(packageFile), 'bin', 'tsc');
  const compiled = await promisify(execFile)(process.execPath, [tsc, '-p', project]).catch(
    (error: unknown) => error,
  );
  expect(compiled).toEqual({ stdout: '', stderr: '' });
});

test('people of a directory sign in, and get no token any more when they have left it', async () => {
  const { createRestDirectory } = (await import(file)) as Documented;
  const person = { uuid: 'e7c1', mail: 'erin@behalf.example', active: true };
  let isDown = false;
  const service = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { name, password } = (body.length > 0 ? JSON.parse(String(body)) : {}) as Record<string, string>;
      const isKnown = request.method === 'GET' || (name === 'erin' && password === 'erin’s own');
      response.writeHead(isDown ? 500 : isKnown ? 200 : 401).end(JSON.stringify(person));
    });
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  const sts = await startTestSts({ directory: createRestDirectory(url, 'key') });
  try {
    const erin = { username: 'erin', password: 'erin’s own' };
    const { accessToken, refreshToken } = await signIn(sts.issuer, erin);
    const again = await signIn(sts.issuer, erin);
    const { sub } = decodeJwt(accessToken);
    expect(decodeJwt(again.accessToken).sub).toBe(sub);
    expect(await sts.state.people.subjectOf(sub ?? '', 'people')).toBe('e7c1');
    await expect(signIn(sts.issuer, { ...erin, password: 'x' })).rejects.toThrow('no code: 401');
    // The users of the database are not the directory's.
    await expect(signIn(sts.issuer, { username: 'alice' })).rejects.toThrow('no code: 401');

    person.active = false;
    expect((await refresh(sts.issuer, refreshToken)).status).toBe(400);
    isDown = true;
    await expect(signIn(sts.issuer, erin)).rejects.toThrow('no code: 500');
  } finally {
    await sts.close();
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
  }
});

test('the LDAP example binds as the person, escapes the name, and takes no empty password', async () => {
  const { createLdapDirectory } = (await import(file)) as Documented;
  const binds: string[] = [];
  const filters: string[] = [];
  const connect = () => ({
    bind(dn: string, password: string) {
      binds.push(dn);
      const fits = dn === 'cn=sts' || (dn === 'uid=erin' && password === 'right');
      return fits ? Promise.resolve() : Promise.reject(named('InvalidCredentialsError'));
    },
    search(_base: string, { filter }: { filter: string }) {
      filters.push(filter);
      const entry = { dn: 'uid=erin', entryUUID: 'e7c1', mail: 'erin@behalf.example' };
      return Promise.resolve({ searchEntries: filter.includes('(uid=erin)') ? [entry] : [] });
    },
    unbind: () => Promise.resolve(),
  });
  const directory = createLdapDirectory(connect, { dn: 'cn=sts', password: 'x', base: 'ou=people' });
  expect(await directory.checkPassword('erin', 'right')).toMatchObject({ id: 'e7c1' });
  expect(await directory.checkPassword('erin', 'wrong')).toBeUndefined();
  expect(await directory.checkPassword('erin', '')).toBeUndefined();
  expect(await directory.checkPassword('*)(uid=erin', 'right')).toBeUndefined();
  expect(filters.at(-1)).toBe('(&(objectClass=person)(uid=\\2a\\29\\28uid\\3derin))');
  expect(binds.at(-1)).toBe('uid=nobody,ou=people');
});

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
