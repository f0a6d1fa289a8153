import { createContext, use, useMemo, type ReactNode } from 'react';
import { useSession } from '../auth/session-context.tsx';
import type { ClientConfig } from '../config.ts';
import { AccountApi } from './account-api.ts';
import { Api1 } from './api1.ts';
import { ApiClient } from './api-client.ts';

interface Apis {
  readonly config: ClientConfig;
  readonly api1: Api1;
  readonly account: AccountApi;
}

const ApisContext = createContext<Apis | undefined>(undefined);

/** Each API gets tokens for itself alone. The account token is first asked for when a page calls that API. */
export function ApisProvider({ config, children }: { config: ClientConfig; children: ReactNode }) {
  const session = useSession();
  const apis = useMemo(
    () => ({
      config,
      api1: new Api1(
        new ApiClient({ baseUrl: config.api1Url, resource: config.api1Resource, tokens: session }),
      ),
      account: new AccountApi(
        new ApiClient({
          baseUrl: config.issuer.replace(/\/$/, ''),
          resource: config.issuer,
          tokens: session,
        }),
      ),
    }),
    [config, session],
  );
  return <ApisContext value={apis}>{children}</ApisContext>;
}

export function useApis(): Apis {
  const apis = use(ApisContext);
  if (!apis) throw new Error('useApis outside of ApisProvider');
  return apis;
}
