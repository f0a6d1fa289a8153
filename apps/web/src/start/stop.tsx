import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link } from 'react-router';
import { useApis } from '../api/apis-context.tsx';
import { UnexpectedAnswer } from '../api/api-client.ts';
import { useDeparture, useSession } from '../auth/session-context.tsx';
import { Button } from '../components/button.tsx';
import { StepByStep } from '../components/call-steps.tsx';
import { ObservationList } from '../components/experiment-outcome.tsx';
import { Fault } from '../components/fault.tsx';
import { Notice } from '../components/notice.tsx';
import { keepCopy, spendCopy } from '../experiments/after-logout.ts';
import css from './start.module.css';

const ACTOR = 'api1.client';

/** API1 keeps a copy of its token, the visitor takes the right back, and sees where the copy still works, and for how long. */
export function Stop({ onDone }: { onDone: () => void }) {
  const { api1, account, config } = useApis();
  const queries = useQueryClient();
  const departure = useDeparture();
  const copy = useMutation({ mutationFn: () => keepCopy(api1) });
  const stop = useMutation({
    mutationFn: async () => {
      const signal = AbortSignal.timeout(15_000);
      const { delegations } = await account.delegations({ cursor: null, limit: 100, signal });
      const held = delegations.find(
        ({ active, actors, audience }) => active && actors[0] === ACTOR && audience === config.api2Resource,
      );
      if (!held) throw new UnexpectedAnswer('API1 has no token that could be taken back.');
      await account.revokeDelegation(held.jti);
    },
    onSettled: () => queries.invalidateQueries(),
  });
  const use = useMutation({ mutationFn: () => spendCopy(api1), onSuccess: onDone });
  return (
    <>
      <p className="lead">
        You have let API1 act for you. Now you change your mind. What ends at once, and what does not?
      </p>
      <ol className={css.tasks}>
        <li className="card stack-tight">
          <h2>API1 keeps a copy</h2>
          <p className="prose">
            API1 gets a token to act for you at API2 and keeps a copy of it, as a thief would.
          </p>
          <p>
            <Button
              look={copy.isSuccess ? 'plain' : 'primary'}
              isBusy={copy.isPending || copy.isSuccess}
              onClick={() => copy.mutate()}
            >
              {copy.isSuccess ? '✓ It has a copy' : 'Let it keep a copy'}
            </Button>
          </p>
          {copy.isError && <Fault title="No copy was kept" error={copy.error} />}
        </li>
        <li className="card stack-tight">
          <h2>You take it back</h2>
          <p className="prose">
            The token service ends the token with everything derived from it, and gives API1 no other one
            there for the rest of your session.
          </p>
          <p>
            <Button
              look={copy.isSuccess && !stop.isSuccess ? 'primary' : 'plain'}
              isBusy={!copy.isSuccess || stop.isPending || stop.isSuccess}
              onClick={() => stop.mutate()}
            >
              {stop.isSuccess ? '✓ Taken back' : 'Take it back'}
            </Button>
          </p>
          {stop.isError && <Fault title="It could not be taken back" error={stop.error} />}
        </li>
        <li className="card stack-tight">
          <h2>The copy is used</h2>
          {copy.data ? (
            <Countdown until={copy.data.expires_at} />
          ) : (
            <p className="prose">
              A service that checks only the token itself does not hear that it has ended.
            </p>
          )}
          <p>
            <Button
              look={stop.isSuccess && !use.isSuccess ? 'primary' : 'plain'}
              isBusy={!stop.isSuccess || use.isPending || use.isSuccess}
              onClick={() => use.mutate()}
            >
              {use.isSuccess ? '✓ It was used' : 'Let API1 use the copy'}
            </Button>
          </p>
          {use.isError && <Fault title="The copy could not be used" error={use.error} />}
        </li>
      </ol>
      {use.data && (
        <section className="card stack" aria-labelledby="after" aria-live="polite">
          <h2 id="after">What the copy was still good for</h2>
          <ObservationList observations={use.data.observations} />
          <p className="prose">
            A signed token can be checked without a request. That is fast, and such a check does not hear of
            an end. So exchanged tokens live 300 seconds at most, and a route that cannot wait that long, such
            as a payment, asks the token service each time.
          </p>
          <StepByStep steps={use.data.steps ?? []} />
          <Notice tone="plain" title="API1 may not act for you at API2 until you sign in again">
            <p className="row">
              <Button small isBusy={departure.isLeaving} onClick={departure.signInAgain}>
                Sign in again
              </Button>
              <span>
                Signing out does the same to every service at once. See it under{' '}
                <Link to="/delegations">Who acted for me</Link>.
              </span>
            </p>
          </Notice>
        </section>
      )}
    </>
  );
}

/** The time that the copy still passes a check without a request. A screen reader hears the end, not each second. */
function Countdown({ until }: { until: number }) {
  const { clock } = useSession();
  const [now, setNow] = useState(clock.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), 1_000);
    return () => clearInterval(timer);
  }, [clock]);
  const left = Math.max(0, until - now);
  return (
    <p className="prose">
      {left > 0 ? 'The copy passes a check without a request for another ' : 'The copy has expired. '}
      {left > 0 && (
        <strong className={css.countdown} role="timer">
          {`${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`}
        </strong>
      )}
    </p>
  );
}
