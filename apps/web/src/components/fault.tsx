import { ApiError } from '../api/api-client.ts';
import { useDeparture } from '../auth/session-context.tsx';
import { SessionEnded } from '../auth/session.ts';
import { faultText, mayPass } from '../text/fault-text.ts';
import { Button } from './button.tsx';
import { Details, Notice } from './notice.tsx';

export interface FaultProps {
  /** The attempt that failed, as a title: "Your accounts could not be loaded". */
  readonly title: string;
  readonly error: unknown;
  readonly onRetry?: () => void;
  /** A new attempt is under way. */
  readonly isRetrying?: boolean;
}

/** A failure in the person's words. Trying again is offered where it can help. An ended session is RequireSession's matter. */
export function Fault({ title, error, onRetry, isRetrying = false }: FaultProps) {
  if (error instanceof SessionEnded) return null;
  const { text, details } = faultText(error);
  return (
    <Notice tone="bad" title={title}>
      <p>{text}</p>
      {onRetry && mayPass(error) && (
        <p className="row">
          <Button small isBusy={isRetrying} onClick={onRetry}>
            {isRetrying ? 'Trying…' : 'Try again'}
          </Button>
          <span className="muted">This page also tries again by itself.</span>
        </p>
      )}
      {error instanceof ApiError && error.problem.reason === 'policy' && <SignInAgain />}
      <Details text={details} />
    </Notice>
  );
}

/** A right that was taken back stays so until the next sign-in. */
function SignInAgain() {
  const departure = useDeparture();
  return (
    <p className="row">
      <Button small isBusy={departure.isLeaving} onClick={departure.signInAgain}>
        Sign in again
      </Button>
      <span className="muted">After a new sign-in it may act for you again, if the rules allow it.</span>
    </p>
  );
}
