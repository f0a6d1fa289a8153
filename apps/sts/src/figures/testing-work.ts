import type { Kysely } from 'kysely';
import { delegate } from '../../test/support/requests.ts';
import { refresh, signIn } from '../../test/support/sign-in.ts';
import { startTestSts } from '../../test/support/sts.ts';
import { OidcAdapter } from '../state/oidc-adapter.ts';
import type { StsSchema } from '../state/schema.ts';

interface Work {
  adapterCalls: number;
  reads: number;
  writes: number;
}

/** What the service asks for on its own account, again and again, whoever calls. */
const IN_THE_BACKGROUND = /signing_keys|cookie_keys|logout_outbox|"logins"\."ended_at" >=/;

/** Adapter calls and SQL statements (beside begin and commit) of a sign-in, an exchange and a refresh, as lines of a table. */
export async function countWork(databaseUrl: string | undefined): Promise<string> {
  const environment = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
  const sts = await startTestSts({ environment });
  const work: Work = { adapterCalls: 0, reads: 0, writes: 0 };
  countStatements(sts.state.database.db, work);
  countAdapterCalls(work);
  const lines: string[] = [];
  const during = async <Result>(what: string, run: () => Promise<Result>): Promise<Result> => {
    Object.assign(work, { adapterCalls: 0, reads: 0, writes: 0 });
    const result = await run();
    lines.push(`| ${what} | ${work.adapterCalls} | ${work.reads} | ${work.writes} |`);
    return result;
  };
  const login = await during('sign-in, from the authorization request to the tokens', () =>
    signIn(sts.issuer),
  );
  await during('exchange (delegation)', () => delegate(sts.issuer, login.accessToken));
  await during('exchange (delegation), the client remembered', () => delegate(sts.issuer, login.accessToken));
  await during('refresh', () => refresh(sts.issuer, login.refreshToken));
  await sts.close();
  return `| what | adapter calls | SQL reads | SQL writes |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n`;
}

interface Executor {
  executeQuery(query: { readonly sql: string }): Promise<unknown>;
}

function countStatements(db: Kysely<StsSchema>, work: Work): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf(db.getExecutor())) as Executor;
  const execute = prototype.executeQuery;
  prototype.executeQuery = function executeQuery(this: Executor, query) {
    if (!IN_THE_BACKGROUND.test(query.sql)) {
      if (/^\s*(select|with)/i.test(query.sql)) work.reads += 1;
      else work.writes += 1;
    }
    return execute.call(this, query);
  };
}

function countAdapterCalls(work: Work): void {
  const prototype = OidcAdapter.prototype as unknown as Record<string, (...of: unknown[]) => unknown>;
  for (const name of ['upsert', 'find', 'findByUid', 'consume', 'destroy', 'revokeByGrantId']) {
    const call = prototype[name];
    if (call === undefined) throw new Error(`the adapter has no ${name}`);
    prototype[name] = function counted(this: unknown, ...parameters: unknown[]) {
      work.adapterCalls += 1;
      return call.apply(this, parameters);
    };
  }
}
