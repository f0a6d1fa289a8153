import { useMutation } from '@tanstack/react-query';
import { useApis } from '../api/apis-context.tsx';
import { makeCall } from '../calls/calls.ts';
import { Button } from './button.tsx';
import { CallSteps } from './call-steps.tsx';
import { Fault } from './fault.tsx';
import { Notice } from './notice.tsx';

/** Says what taking back means, and offers a call with a new token to see its effect at once. */
export function TakenBack({ count }: { count: number }) {
  const { api1 } = useApis();
  const trial = useMutation({ mutationFn: () => makeCall(api1, 'chain', { fresh: true }) });
  return (
    <div className="stack">
      <Notice tone="ok" title={count === 1 ? 'Taken back' : `${count} taken back`}>
        <p>
          {count === 1
            ? 'For the rest of your session that service gets no more tokens to act for you there. Tokens that were derived from this one have ended too.'
            : 'For the rest of your session those services get no more tokens to act for you there. Tokens that were derived from these have ended too.'}
        </p>
        <p>
          Services that have such a token in memory are told to drop it, within seconds. A service that cannot
          be told may use it for 60 seconds at most, and never for a payment. “Try it again” sends a new token
          of yours, so that every service has to ask for one again.
        </p>
        <p>
          <Button small isBusy={trial.isPending} onClick={() => trial.mutate()}>
            {trial.isPending ? 'Trying…' : 'Try it again'}
          </Button>
        </p>
      </Notice>
      {trial.isError && <Fault title="The call could not be made" error={trial.error} />}
      {trial.data && (
        <div className="stack" aria-live="polite">
          <strong>
            {trial.data.refusal
              ? 'Refused, as it should be. The steps show where:'
              : 'This call still went through, because nothing that it needs was taken back in this session.'}
          </strong>
          <CallSteps key={trial.submittedAt} steps={trial.data.steps} headingLevel={3} />
        </div>
      )}
    </div>
  );
}
