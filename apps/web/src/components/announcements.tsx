import { useIsFetching, useIsMutating } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useClockOffset, useDeparture, useSession, useSessionState } from '../auth/session-context.tsx';
import { formatTime } from '../text/dates.ts';
import { signInProblemText } from '../text/sign-in-text.ts';
import css from './announcements.module.css';
import { Button } from './button.tsx';
import { useIsSlow } from './healing.ts';

const WARN_BEFORE_END_SECONDS = 5 * 60;
const LOOK_EVERY_MS = 10_000;
const WRONG_CLOCK_SECONDS = 2 * 60;

/** Messages that belong to no page. They stand at the bottom of the window, so nothing moves when one comes. */
export function Announcements() {
  return (
    <div className={css.place} aria-live="polite">
      <SlowAnswer />
      <WrongClock />
      <SessionEnd />
    </div>
  );
}

/** Says that the page still waits, whichever service it waits for. */
function SlowAnswer() {
  const { status } = useSessionState();
  const calls = useIsFetching() + useIsMutating();
  if (!useIsSlow(status === 'restoring' || calls > 0)) return null;
  return (
    <p className={`notice ${css.announcement}`}>
      This takes longer than usual. The page is still waiting for an answer.
    </p>
  );
}

/** Times on these pages are the server's. Somebody who compares them with their own clock must know. */
function WrongClock() {
  const offset = useClockOffset();
  const [isClosed, setClosed] = useState(false);
  if (isClosed || Math.abs(offset) < WRONG_CLOCK_SECONDS) return null;
  return (
    <div className={`notice notice-warn ${css.announcement}`}>
      <p>
        <strong>{`The clock of this device is ${formatSpan(Math.abs(offset))} ${offset < 0 ? 'fast' : 'slow'}.`}</strong>{' '}
        This app goes by the time of its server, so everything works.
      </p>
      <Button small onClick={() => setClosed(true)}>
        Close
      </Button>
    </div>
  );
}

/** `20 minutes`, `3 hours`, `2 days`: the largest unit that says it well. */
function formatSpan(seconds: number): string {
  const [value, unit] =
    seconds < 2 * 3600
      ? [seconds / 60, 'minute']
      : seconds < 48 * 3600
        ? [seconds / 3600, 'hour']
        : [seconds / 86_400, 'day'];
  return new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' }).format(Math.round(value));
}

/**
 * Says some minutes ahead when the login session ends, with the way to begin it anew. When the end has come the server
 * is asked: the session may have been prolonged in another tab.
 */
function SessionEnd() {
  const session = useSession();
  const state = useSessionState();
  const endsAt = state.status === 'signed_in' ? state.endsAt : undefined;
  const isNear = useHasCome(endsAt === undefined ? undefined : endsAt - WARN_BEFORE_END_SECONDS);
  const isOver = useHasCome(endsAt);
  useEffect(() => {
    if (isOver) void session.checkEnd();
  }, [isOver, session]);
  return endsAt !== undefined && isNear ? <EndsSoon endsAt={endsAt} /> : null;
}

function EndsSoon({ endsAt }: { endsAt: number }) {
  const departure = useDeparture();
  return (
    <div className={`notice notice-warn ${css.announcement}`}>
      <p>
        <strong>{`Your session ends at ${formatTime(endsAt)}.`}</strong>{' '}
        {departure.problem
          ? `${signInProblemText(departure.problem).title}. Try again in a moment.`
          : 'Sign in again to go on. What you typed is kept.'}
      </p>
      <Button small isBusy={departure.isLeaving} onClick={departure.signInAgain}>
        Sign in again
      </Button>
    </div>
  );
}

/** Whether that time (epoch seconds by the server's clock) has come. Timers sleep with the machine, so the time is also read when the page is shown again. */
function useHasCome(at: number | undefined): boolean {
  const { clock } = useSession();
  const offset = useClockOffset();
  const [now, setNow] = useState(clock.now);
  useEffect(() => {
    const look = () => setNow(clock.now());
    // Also when the difference of the clocks has been found out.
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
    // oxlint-disable-next-line react/exhaustive-deps
  }, [clock, offset]);
  return at !== undefined && now >= at;
}
