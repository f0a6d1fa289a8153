import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import * as z from 'zod/mini';
import { useApis } from '../api/apis-context.tsx';
import { useUser } from '../auth/session-context.tsx';
import { clientName } from '../calls/services.ts';
import { Button } from '../components/button.tsx';
import { StepByStep } from '../components/call-steps.tsx';
import { Fault } from '../components/fault.tsx';
import { Notice } from '../components/notice.tsx';
import { Prediction } from '../components/prediction.tsx';
import { callSchema } from '../experiments/experiment.ts';
import { forwardedToken } from '../experiments/experiments.ts';
import css from './start.module.css';

const carelessCall = z.extend(callSchema, {
  seen: z.nullable(
    z.object({ audience: z.string(), log: z.object({ subject: z.string(), actors: z.array(z.string()) }) }),
  ),
});

export const carelessSchema = z.object({ forwarded: carelessCall, delegated: carelessCall });

/** The visitor predicts, API1 forwards the token, and then a service without the check shows the harm. */
export function Break({ onDone }: { onDone: () => void }) {
  const { api1, account, config } = useApis();
  const [guess, setGuess] = useState<string>();
  const trial = useMutation({ mutationFn: () => forwardedToken.run({ api1, account, config }) });
  const careless = useMutation({ mutationFn: () => api1.experiment('careless-service', carelessSchema) });
  return (
    <>
      <p className="lead">
        Exchanging is work. Why does API1 not simply pass your own token on to API2? Say what you expect, then
        let it happen.
      </p>
      <section className="card stack" aria-labelledby="forward">
        <h2 id="forward">API1 forwards your token to API2</h2>
        <Prediction
          guess={forwardedToken.guess}
          chosen={guess}
          isOver={trial.isSuccess}
          onChoose={setGuess}
        />
        <p>
          <Button
            look={trial.isSuccess ? 'plain' : 'primary'}
            isBusy={trial.isPending || guess === undefined}
            onClick={() => trial.mutate()}
          >
            {trial.isPending ? 'Forwarding…' : 'Forward it'}
          </Button>
        </p>
        {trial.isError && <Fault title="The experiment could not be run" error={trial.error} />}
        {trial.data && (
          <div className="stack" aria-live="polite">
            <p className="prose">{forwardedToken.explanation}</p>
            <StepByStep steps={trial.data.steps ?? []} isOpen />
          </div>
        )}
      </section>
      {trial.isSuccess && (
        <section className="card stack" aria-labelledby="careless">
          <h2 id="careless">And if a service does not check?</h2>
          <p className="prose">
            This demonstration has one that does not look at the claim aud. API1 sends it both tokens: yours,
            forwarded, and an exchanged one.
          </p>
          <p>
            <Button
              look={careless.isSuccess ? 'plain' : 'primary'}
              isBusy={careless.isPending}
              onClick={() => careless.mutate()}
            >
              {careless.isPending ? 'Sending…' : 'See the harm'}
            </Button>
          </p>
          {careless.isError && <Fault title="The experiment could not be run" error={careless.error} />}
          {careless.data && <Harm {...careless.data.result} />}
        </section>
      )}
      {careless.isSuccess && (
        <p>
          <Button look="primary" onClick={onDone}>
            Next: stop it
          </Button>
        </p>
      )}
    </>
  );
}

/** What the careless service wrote into its log. */
export function Harm({ forwarded, delegated }: z.infer<typeof carelessSchema>) {
  const { name } = useUser();
  const line = (call: typeof forwarded) => {
    const [current] = call.seen?.log.actors ?? [];
    return current === undefined
      ? `${name} read the accounts of ${name}`
      : `${clientName(current).label}, acting for ${name}, read the accounts of ${name}`;
  };
  return (
    <div className="stack" aria-live="polite">
      <dl className={css.log}>
        <div>
          <dt>Its log, after the forwarded token</dt>
          <dd>
            <code>{line(forwarded)}</code>
          </dd>
        </div>
        <div>
          <dt>Its log, after the exchanged token</dt>
          <dd>
            <code>{line(delegated)}</code>
          </dd>
        </div>
      </dl>
      <Notice tone="bad" title="With the forwarded token, API1 is invisible: it has become you">
        <p>
          The log cannot tell you from API1. The careless service also holds a token now that is good at API1,
          and can call API1 as you. An exchanged token is good at one service only and names who acts, so
          neither can happen.
        </p>
      </Notice>
    </div>
  );
}
