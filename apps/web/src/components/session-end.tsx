import { useEffect, useState } from 'react';
import { useDeparture, useSession, useSessionState } from '../auth/session-context.tsx';
import { formatTime } from '../money/dates.ts';
import css from './session-end.module.css';

const WARN_BEFORE_END_SECONDS = 5 * 60;
const LOOK_EVERY_MS = 10_000;

/**
 * Says some minutes ahead when the login session ends, with the way to begin it anew. Stands at the bottom of the window, so
 * nothing moves when it comes. When the end has come the server is asked: the session may have been prolonged elsewhere.
 */
export function SessionEnd() {
  const session = useSession();
  const state = useSessionState();
  const endsAt = state.status === 'signed_in' ? state.endsAt : undefined;
  const isNear = useHasCome(endsAt === undefined ? undefined : endsAt - WARN_BEFORE_END_SECONDS);
  const isOver = useHasCome(endsAt);
  useEffect(() => {
    if (isOver) void session.checkEnd();
  }, [isOver, session]);
  return (
    <div className={css.place} aria-live="polite">
      {endsAt !== undefined && isNear && <Announcement endsAt={endsAt} />}
    </div>
  );
}

function Announcement({ endsAt }: { endsAt: number }) {
  const departure = useDeparture();
  return (
    <div className={`notice notice-warn ${css.announcement}`}>
      <p>
        <strong>{`Your session ends at ${formatTime(endsAt)}.`}</strong>{' '}
        {departure.failed
          ? 'The sign-in service cannot be reached. Try again in a moment.'
          : 'Sign in again to go on; what you typed is kept.'}
      </p>
      <button
        type="button"
        className="button button-small"
        disabled={departure.isLeaving}
        onClick={departure.signInAgain}
      >
        Sign in again
      </button>
    </div>
  );
}

/** Whether that time (epoch seconds) has come. Timers sleep with the machine, so it is also looked when the page is shown again. */
function useHasCome(at: number | undefined): boolean {
  const session = useSession();
  const [now, setNow] = useState(() => session.now());
  useEffect(() => {
    const look = () => setNow(session.now());
    const timer = setInterval(look, LOOK_EVERY_MS);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [session]);
  return at !== undefined && now >= at;
}
