import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useApis } from '../api/apis-context.tsx';
import { policyQuery } from '../api/queries.ts';
import { Fault } from '../components/fault.tsx';
import { useHealing } from '../components/healing.ts';
import { Loading, Page, Skeleton } from '../components/page.tsx';
import { Ask } from '../policy/ask.tsx';
import { FIRST_QUESTION, type Asked } from '../policy/question.ts';

/** The delegation policy, and a decision about any exchange that one can think of. */
export default function PolicyPage() {
  const { config } = useApis();
  return (
    <Page
      title="Who may act"
      lead="A table at the token service says which service may act where, with which rights. Ask it: nothing is issued, and the function that answers is the one that decides about every real exchange."
    >
      {config.experiments ? (
        <LoadedPolicy />
      ) : (
        <p className="muted">
          The operator has not switched this on (<code>EXPERIMENTS=on</code>).
        </p>
      )}
    </Page>
  );
}

function LoadedPolicy() {
  const { account } = useApis();
  const policy = useQuery(policyQuery(account));
  const { error, isRetrying, retry } = useHealing(policy);
  const [asked, setAsked] = useState<Asked>(FIRST_QUESTION);
  return (
    <>
      {policy.isPending && !error && (
        <>
          <Loading what="the policy" />
          <Skeleton height="36rem" />
        </>
      )}
      {error && (
        <Fault title="The policy could not be loaded" error={error} onRetry={retry} isRetrying={isRetrying} />
      )}
      {policy.data && <Ask policy={policy.data} asked={asked} onAsk={setAsked} />}
    </>
  );
}
