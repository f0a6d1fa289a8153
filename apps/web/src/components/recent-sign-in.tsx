import { useDeparture } from '../auth/session-context.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { SignInProblemNotice } from './notice.tsx';

/** Says that the payment needs a recent sign-in (RFC 9470), and leads there and back. */
export function RecentSignIn({ maxAgeSeconds, onCancel }: { maxAgeSeconds: number; onCancel: () => void }) {
  const departure = useDeparture();
  return (
    <ConfirmDialog
      title="Sign in again for this payment"
      action="Sign in again"
      look="primary"
      isBusy={departure.isLeaving}
      keep="Not now"
      onConfirm={() => departure.signInRecently(maxAgeSeconds)}
      onCancel={onCancel}
    >
      <p>
        For a payment of this size the bank wants a sign-in that is at most {ageText(maxAgeSeconds)} old.
        Nothing was booked by this attempt.
      </p>
      <p>After the sign-in you come back here, and the payment is sent as you typed it. It is booked once.</p>
      {departure.problem && <SignInProblemNotice tone="bad" problem={departure.problem} />}
    </ConfirmDialog>
  );
}

function ageText(seconds: number): string {
  const [count, unit] = seconds >= 60 ? [Math.floor(seconds / 60), 'minute'] : [seconds, 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
