import { useMutation } from '@tanstack/react-query';
import { useApis } from '../api/apis-context.tsx';
import { makeCall } from '../calls/run-call.ts';
import { CallSteps } from './call-steps.tsx';
import { Fault } from './fault.tsx';
import { Notice } from './notice.tsx';

/** What taking back means, and the chance to see it at once: a call whose every token must be asked for anew. */
export function TakenBack({ count }: { count: number }) {
  const { api1 } = useApis();
  const trial = useMutation({ mutationFn: () => makeCall(api1, 'chain', { fresh: true }) });
  return (
    <div className="stack">
      <Notice tone="ok" title={count === 1 ? 'Taken back' : `${count} taken back`}>
        <p>
          {count === 1
            ? 'For the rest of your session that service gets no more tokens to act for you there, and what came from this one has ended too.'
            : 'For the rest of your session those services get no more tokens to act for you there, and what came from these has ended too.'}
        </p>
        <p>
          Services that still have such a token in memory are told and drop it within seconds; one that cannot
          be told may use it for 60 seconds at most, and never for a payment. Trying it again sends a new
          token of yours, so every service has to ask anew.
        </p>
        <p>
          <button
            type="button"
            className="button button-small"
            aria-disabled={trial.isPending}
            onClick={() => !trial.isPending && trial.mutate()}
          >
            {trial.isPending ? 'Trying…' : 'Try it again'}
          </button>
        </p>
      </Notice>
      {trial.isError && <Fault title="The call could not be made" error={trial.error} />}
      {trial.data && (
        <div className="stack" aria-live="polite">
          <strong>
            {trial.data.refusal
              ? 'Refused, as it should be. This is where:'
              : 'This call still went through: nothing that it needs was taken back in this session.'}
          </strong>
          <CallSteps key={trial.submittedAt} steps={trial.data.steps} headingLevel={3} />
        </div>
      )}
    </div>
  );
}
