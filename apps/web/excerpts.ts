/** The parts of the project's own code that the client shows. They are read when the client is built. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Excerpt } from './src/calls/code.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Place {
  readonly file: string;
  /** The first line begins so, apart from spaces. */
  readonly from: string;
  /** How many lines; left out: up to the line that closes what the first one opens. */
  readonly lines?: number;
}

const PLACES: Readonly<Record<string, Place>> = {
  delegation: { file: 'apps/sts/src/grants/delegation.ts', from: 'export function createDelegationGrant' },
  'token-exchange': { file: 'apps/sts/src/grants/token-exchange.ts', from: 'async validate(request)' },
  translation: { file: 'apps/sts/src/grants/translation.ts', from: 'async validate(request)' },
  issue: { file: 'apps/sts/src/grants/translation.ts', from: 'const issueOwnToken', lines: 7 },
  'subscriptions-client': { file: 'apps/sts/src/grants/subscriptions-client.ts', from: 'async function ask' },
  decide: { file: 'apps/sts/src/registry/decide-delegation.ts', from: 'export function decideDelegation' },
  'may-act': { file: 'packages/auth/src/actor-chain.ts', from: 'export function checkMayAct' },
  presenter: { file: 'apps/sts/src/registry/decide-delegation.ts', from: 'function mayPresent' },
  'actor-token': { file: 'apps/sts/src/grants/token-exchange.ts', from: 'async function validateActorToken' },
  live: { file: 'apps/api2/src/app.ts', from: 'const stillLive =', lines: 4 },
  subscription: { file: 'apps/sts/src/grants/translation.ts', from: 'function refuseAnswer' },
  audience: { file: 'packages/auth/src/access-token.ts', from: 'export async function verifyAccessToken' },
  bound: { file: 'packages/auth/src/verifier.ts', from: 'function bindingFault' },
  recent: {
    file: 'packages/auth/src/recent-authentication.ts',
    from: 'export function requireRecentAuthentication',
  },
  'call-api1': { file: 'apps/api1/src/app.ts', from: "api.get('/identity'", lines: 8 },
  'call-api2': { file: 'apps/api2/src/app.ts', from: 'const reader =', lines: 28 },
  'call-subscriptions': { file: 'apps/subscriptions/src/routes/users.ts', from: 'function mayRead' },
  careless: { file: 'apps/api2/src/demo/experiments.ts', from: 'function careless' },
};

/** Throws when a file no longer has the line that an excerpt begins with. */
export function readExcerpts(): Readonly<Record<string, Excerpt>> {
  return Object.fromEntries(Object.entries(PLACES).map(([name, place]) => [name, read(place)]));
}

function read({ file, from, lines }: Place): Excerpt {
  const all = readFileSync(join(ROOT, file), 'utf8').split('\n');
  const start = all.findIndex((line) => line.trimStart().startsWith(from));
  if (start === -1) throw new Error(`${file} has no line that begins with ${JSON.stringify(from)}`);
  const shown = all.slice(start, start + (lines ?? lengthOf(all.slice(start))));
  const indent = Math.min(...shown.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return {
    file,
    line: start + 1,
    text: shown
      .map((line) => line.slice(indent))
      .join('\n')
      .trimEnd(),
  };
}

/** Lines up to the one that has the indentation of the first and closes it. */
function lengthOf(lines: readonly string[]): number {
  const indent = /^ */.exec(lines[0] ?? '')?.[0] ?? '';
  const last = lines.findIndex(
    (line, index) => index > 0 && new RegExp(`^${indent}[}\\])]+[;,]?$`).test(line),
  );
  return last === -1 ? 12 : last + 1;
}
