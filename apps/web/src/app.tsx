import { lazy, Suspense } from 'react';
import { BrowserRouter, Route, Routes } from 'react-router';
import { ApisProvider } from './api/apis-context.tsx';
import { CacheOfOneUser } from './api/cache-of-one-user.tsx';
import { SessionProvider } from './auth/session-context.tsx';
import type { StartedSession } from './auth/start.ts';
import { RequireSession } from './components/require-session.tsx';
import { Shell } from './components/shell.tsx';
import { Skeleton } from './components/skeleton.tsx';
import type { ClientConfig } from './config.ts';
import { AccountsPage } from './pages/accounts.tsx';
import { CallbackPage } from './pages/callback.tsx';
import { LandingPage } from './pages/landing.tsx';
import { NotFoundPage } from './pages/not-found.tsx';

const PayPage = lazy(() => import('./pages/pay.tsx'));

const ChainPage = lazy(() => import('./pages/chain.tsx'));

const ExperimentsPage = lazy(() => import('./pages/experiments.tsx'));

const InsightsPage = lazy(() => import('./pages/insights.tsx'));

const DelegationsPage = lazy(() => import('./pages/delegations.tsx'));

/** Providers and routes. */
export function App({ config, started }: { config: ClientConfig; started: StartedSession }) {
  return (
    <SessionProvider session={started.session}>
      <CacheOfOneUser>
        <ApisProvider config={config}>
          <BrowserRouter>
            <Shell>
              <Suspense fallback={<Skeleton height="24rem" />}>
                <Routes>
                  <Route path="/" element={<LandingPage />} />
                  <Route path="/callback" element={<CallbackPage arrival={started.arrival} />} />
                  <Route
                    path="/accounts"
                    element={
                      <RequireSession>
                        <AccountsPage />
                      </RequireSession>
                    }
                  />
                  <Route
                    path="/pay"
                    element={
                      <RequireSession>
                        <PayPage />
                      </RequireSession>
                    }
                  />
                  <Route
                    path="/chain"
                    element={
                      <RequireSession>
                        <ChainPage />
                      </RequireSession>
                    }
                  />
                  <Route
                    path="/experiments"
                    element={
                      <RequireSession>
                        <ExperimentsPage />
                      </RequireSession>
                    }
                  />
                  <Route
                    path="/insights"
                    element={
                      <RequireSession>
                        <InsightsPage />
                      </RequireSession>
                    }
                  />
                  <Route
                    path="/delegations"
                    element={
                      <RequireSession>
                        <DelegationsPage />
                      </RequireSession>
                    }
                  />
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
