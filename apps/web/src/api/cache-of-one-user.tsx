import { QueryClientProvider } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useSessionState } from '../auth/session-context.tsx';
import { createQueryClient } from './queries.ts';

/** A cache per signed-in user: what one user has read is never shown to the next, nor kept after signing out. */
export function CacheOfOneUser({ children }: { children: ReactNode }) {
  const state = useSessionState();
  const subject = state.status === 'signed_in' ? state.user.subject : undefined;
  const [cache, setCache] = useState(() => ({ subject, client: createQueryClient() }));
  if (cache.subject !== subject) setCache({ subject, client: createQueryClient() });
  return <QueryClientProvider client={cache.client}>{children}</QueryClientProvider>;
}
