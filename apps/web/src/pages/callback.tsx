import { useEffect } from 'react';
import { useNavigate } from 'react-router';
import { Loading, Skeleton } from '../components/skeleton.tsx';

/** Shown for the moment in which a sign-in is finished; then goes on to where the person was. */
export function CallbackPage({ arrival }: { arrival: Promise<string> | undefined }) {
  const navigate = useNavigate();
  useEffect(() => {
    void (arrival ?? Promise.resolve('/')).then((path) => navigate(ownPath(path), { replace: true }));
  }, [arrival, navigate]);
  return (
    <div className="stack">
      <Loading what="your session" />
      <Skeleton width="14rem" height="2.75rem" />
      <Skeleton width="min(36rem, 100%)" height="1.5rem" />
      <Skeleton height="12rem" />
    </div>
  );
}

/** Only ever a path of this site. */
function ownPath(path: string): string {
  return /^\/(?![/\\])/.test(path) ? path : '/';
}
