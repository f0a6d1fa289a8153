import { QueryClientProvider } from '@tanstack/react-query';
import { createContext, use, useMemo, useState, type ReactNode } from 'react';
import { useSession, useSessionState } from '../auth/session-context.tsx';
import type { ClientConfig } from '../config.ts';
import { AccountApi } from './account-api.ts';
import { ApiClient } from './api-client.ts';
import { Api1 } from './api1.ts';
import { createQueryClient } from './queries.ts';

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

/** A cache per signed-in user: what one user has read is never shown to the next, nor kept after signing out. */
export function CacheOfOneUser({ children }: { children: ReactNode }) {
  const state = useSessionState();
  const subject = state.status === 'signed_in' ? state.user.subject : undefined;
  const [cache, setCache] = useState(() => ({ subject, client: createQueryClient() }));
  if (cache.subject !== subject) setCache({ subject, client: createQueryClient() });
  return <QueryClientProvider client={cache.client}>{children}</QueryClientProvider>;
}
