import { Suspense, type ReactNode } from 'react';
import { BrowserRouter, Route, Routes } from 'react-router';
import { ApisProvider, CacheOfOneUser } from './api/apis-context.tsx';
import { SessionProvider } from './auth/session-context.tsx';
import type { StartedSession } from './auth/start.ts';
import { lazyPage } from './components/boundary.tsx';
import { RequireSession, Restoring } from './components/require-session.tsx';
import { Shell } from './components/shell.tsx';
import type { ClientConfig } from './config.ts';
import { AccountsPage } from './pages/accounts.tsx';
import { CallbackPage } from './pages/callback.tsx';
import { LandingPage } from './pages/landing.tsx';
import { NotFoundPage } from './pages/not-found.tsx';

const PayPage = lazyPage(() => import('./pages/pay.tsx'));
const ChainPage = lazyPage(() => import('./pages/chain.tsx'));
const ExperimentsPage = lazyPage(() => import('./pages/experiments.tsx'));
const InsightsPage = lazyPage(() => import('./pages/insights.tsx'));
const AgentPage = lazyPage(() => import('./agent/agent-page.tsx'));
const DelegationsPage = lazyPage(() => import('./pages/delegations.tsx'));

/** The pages of a signed-in user. */
const USER_PAGES: readonly (readonly [path: string, page: ReactNode])[] = [
  ['/accounts', <AccountsPage key="accounts" />],
  ['/pay', <PayPage key="pay" />],
  ['/chain', <ChainPage key="chain" />],
  ['/experiments', <ExperimentsPage key="experiments" />],
  ['/insights', <InsightsPage key="insights" />],
  ['/agent', <AgentPage key="agent" />],
  ['/delegations', <DelegationsPage key="delegations" />],
];

/** Providers and routes. */
export function App({ config, started }: { config: ClientConfig; started: StartedSession }) {
  return (
    <SessionProvider session={started.session} userStorage={started.userStorage}>
      <CacheOfOneUser>
        <ApisProvider config={config}>
          <BrowserRouter>
            <Shell>
              <Suspense fallback={<Restoring />}>
                <Routes>
                  <Route path="/" element={<LandingPage />} />
                  <Route path="/callback" element={<CallbackPage arrival={started.arrival} />} />
                  {USER_PAGES.map(([path, page]) => (
                    <Route key={path} path={path} element={<RequireSession>{page}</RequireSession>} />
                  ))}
                  <Route path="*" element={<NotFoundPage />} />
                </Routes>
              </Suspense>
            </Shell>
          </BrowserRouter>
        </ApisProvider>
      </CacheOfOneUser>
    </SessionProvider>
  );
}
