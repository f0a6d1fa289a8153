import { ApiError, NoAnswer } from '../api/api-error.ts';
import { AuthorizationServerUnreachable, SessionEnded } from '../auth/session.ts';
import { asSentence } from './sentence.ts';
import { Notice } from './notice.tsx';

export interface FaultProps {
  /** What was being done, as the title: "Your accounts could not be loaded". */
  readonly title: string;
  readonly error: unknown;
  readonly onRetry?: () => void;
}

/** A failure in the person's words: what happened, and what to do. Trying again is offered where it can help. An ended session is RequireSession's matter. */
export function Fault({ title, error, onRetry }: FaultProps) {
  if (error instanceof SessionEnded) return null;
  return (
    <Notice tone="bad" title={title}>
      <p>{describeFault(error)}</p>
      {onRetry && mayPass(error) && (
        <p>
          <button type="button" className="button button-small" onClick={onRetry}>
            Try again
          </button>
        </p>
      )}
    </Notice>
  );
}

const PASSING = new Set([408, 409, 425, 429]);

/** Whether the same request may get another answer. A refusal stays one until something else has changed. */
function mayPass(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status >= 500 || PASSING.has(error.status);
}

export function describeFault(error: unknown): string {
  if (error instanceof AuthorizationServerUnreachable)
    return 'The sign-in service did not answer. You are still signed in.';
  if (error instanceof NoAnswer) return 'No answer came. The service may be down, or this device is offline.';
  if (!(error instanceof ApiError))
    return 'The service answered in a way that this page does not understand.';
  const { detail, title, reason } = error.problem;
  if (error.status === 503) {
    return `A service behind this page is not available at the moment.${waitText(error.retryAfterSeconds)}`;
  }
  if (error.status >= 500) return 'A service behind this page has failed.';
  if (reason === 'policy') {
    return `No token to act for you was issued: ${detail ?? 'the policy forbids it'}. What you have taken back stays so until you sign in anew.`;
  }
  if (error.status === 404 && detail === undefined) return 'The service does not offer this.';
  return asSentence(detail ?? title) ?? `The service refused (${error.status}).`;
}

function waitText(seconds: number | undefined): string {
  return seconds === undefined
    ? ''
    : ` It asks for ${seconds} ${seconds === 1 ? 'second' : 'seconds'} of patience.`;
}
