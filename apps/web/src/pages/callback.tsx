import { useEffect } from 'react';
import { useNavigate } from 'react-router';
import { Restoring } from '../components/require-session.tsx';

/** Shown for the moment in which a sign-in is finished; then goes on to where the person was. */
export function CallbackPage({ arrival }: { arrival: Promise<string> | undefined }) {
  const navigate = useNavigate();
  useEffect(() => {
    void (arrival ?? Promise.resolve('/')).then((path) => navigate(ownPath(path), { replace: true }));
  }, [arrival, navigate]);
  return <Restoring />;
}

/** Only ever a path of this site. */
function ownPath(path: string): string {
  return /^\/(?![/\\])/.test(path) ? path : '/';
}
