/** Variables of another project that would break `pnpm dev`, or that it would break: found before anything is started or written. */
import { SERVICES } from '@behalf/service/services';
import { commonFaults } from '@behalf/service/settings';
import type { Environment } from '../system/addresses.ts';

/** The services that keep their data in a schema of their name. */
const WITH_DATABASE = ['sts', 'api2', 'subscriptions'];

/** A sentence for each fault; none when the services can start. */
export async function environmentFaults(environment: Environment): Promise<readonly string[]> {
  const faults = commonFaults(environment);
  const url = environment['DATABASE_URL'];
  if (faults.length > 0 || !url) return faults;
  const fault = await databaseFault(url);
  return fault === undefined ? [] : [fault];
}

/** `DATABASE_URL` is a name that every project uses. One of our own names leads to a database that was meant. */
async function databaseFault(url: string): Promise<string | undefined> {
  const way =
    'Leave DATABASE_URL out, and the data are kept in .data; or set ' +
    `${WITH_DATABASE.map((name) => `${name.toUpperCase()}_DATABASE_URL`).join(', ')} to use that database all the same.`;
  // Loaded where it is needed: every start would wait for it.
  const { tablesOutside } = await import('@behalf/database');
  try {
    const foreign = await tablesOutside(
      url,
      SERVICES.map(({ name }) => name),
    );
    if (foreign.length === 0) return undefined;
    return `DATABASE_URL leads to the database of another project, which holds ${foreign.join(', ')}. ${way}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return `DATABASE_URL leads to a PostgreSQL that does not let us in (${code ?? message}). ${way}`;
  }
}
