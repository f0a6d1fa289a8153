import { useQuery } from '@tanstack/react-query';
import { ApiError, type Problem } from '../api/api-client.ts';
import type { Insights } from '../api/api1.ts';
import { useApis } from '../api/apis-context.tsx';
import { insightsQuery } from '../api/queries.ts';
import { stepsOfProblem, type Step } from '../api/steps.ts';
import { CallSteps } from '../components/call-steps.tsx';
import { Fault } from '../components/fault.tsx';
import { useHealing, type Healing } from '../components/healing.ts';
import { Money } from '../components/labels.tsx';
import { Details } from '../components/notice.tsx';
import { Loading, Page, Skeleton } from '../components/page.tsx';
import { formatDay, formatMonth } from '../text/dates.ts';
import { share } from '../text/money.ts';
import css from './insights.module.css';

/** The premium report. It needs an active subscription, which the token states. */
export default function InsightsPage() {
  const { api1 } = useApis();
  const insights = useQuery(insightsQuery(api1));
  const healing = useHealing(insights);
  return (
    <Page
      title="Insights"
      lead="The premium report on your own payments. API1 gets a token for it only while your subscription is active."
    >
      {insights.isPending && !healing.error && <LoadingReport />}
      {healing.error && <NoReport {...healing} error={healing.error} />}
      {insights.data && <Report insights={insights.data} />}
    </Page>
  );
}

function NoReport({ error, isRetrying, retry }: Healing & { error: Error }) {
  const problem = error instanceof ApiError ? error.problem : {};
  if (problem.reason === 'subscription') return <NotSubscribed problem={problem} />;
  const steps = stepsOfProblem(problem);
  return (
    <>
      <Fault title="The report could not be loaded" error={error} onRetry={retry} isRetrying={isRetrying} />
      {steps.length > 0 && <HowItWent steps={steps} />}
    </>
  );
}

function NotSubscribed({ problem }: { problem: Problem }) {
  const steps = stepsOfProblem(problem);
  return (
    <>
      <section className="card stack-tight" aria-labelledby="premium">
        <p>
          <span className="badge badge-warn">Premium</span>
        </p>
        <h2 id="premium">This needs an active subscription</h2>
        <p>Yours has lapsed, or you have none.</p>
        <p className="muted">
          The token service asked the subscription service and then issued no token, so API2 was never called.
          Your accounts and payments work as before.
        </p>
        <Details text={problem.detail ?? problem.title} />
      </section>
      {steps.length > 0 && <HowItWent steps={steps} />}
    </>
  );
}

function HowItWent({ steps }: { steps: readonly Step[] }) {
  return (
    <section className="card stack" aria-labelledby="steps">
      <h2 id="steps">The steps of this call</h2>
      <CallSteps steps={steps} headingLevel={3} />
    </section>
  );
}

function Report({ insights }: { insights: Insights }) {
  const { period, totals, months, payees, steps } = insights;
  return (
    <>
      <p className="muted">{`${formatDay(period.from)} to ${formatDay(period.to)}`}</p>
      {totals.length === 0 && (
        <p className="card">You made no payment in this time, so there is nothing to report.</p>
      )}
      {totals.map((total) => (
        <section key={total.currency} className="card stack" aria-label={`Spending in ${total.currency}`}>
          <h2>{total.currency}</h2>
          <dl className={css.figures}>
            <Figure label="Spent" amount={total.spent} currency={total.currency} />
            <Figure label="Average payment" amount={total.average} currency={total.currency} />
            <Figure label="Largest payment" amount={total.largest} currency={total.currency} />
            <Figure
              label="Between own accounts"
              amount={total.movedBetweenOwnAccounts}
              currency={total.currency}
            />
          </dl>
          <Bars
            title="By month"
            rows={ofCurrency(months, total.currency).map(({ month, spent }) => [formatMonth(month), spent])}
            currency={total.currency}
          />
          <Bars
            title="Largest payees"
            rows={ofCurrency(payees, total.currency).map(({ account, total: paid }) => [account, paid])}
            currency={total.currency}
          />
        </section>
      ))}
      {steps.length > 0 && <HowItWent steps={steps} />}
    </>
  );
}

function Figure({ label, amount, currency }: { label: string; amount: string; currency: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <Money amount={amount} currency={currency} />
      </dd>
    </div>
  );
}

function Bars({
  title,
  rows,
  currency,
}: {
  title: string;
  rows: readonly (readonly [string, string])[];
  currency: string;
}) {
  if (rows.length === 0) return null;
  return (
    <div className="stack-tight">
      <h3>{title}</h3>
      <ul className={css.bars}>
        {rows.map(([label, amount]) => (
          <li key={label}>
            <bdi>{label}</bdi>
            <span className={css.track} aria-hidden="true">
              <span
                className={css.bar}
                style={{
                  inlineSize: `${share(
                    amount,
                    rows.map(([, other]) => other),
                    currency,
                  )}%`,
                }}
              />
            </span>
            <span className={css.amount}>
              <Money amount={amount} currency={currency} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function ofCurrency<Row extends { readonly currency: string }>(
  rows: readonly Row[],
  currency: string,
): readonly Row[] {
  return rows.filter((row) => row.currency === currency);
}

function LoadingReport() {
  return (
    <>
      <Loading what="the report" />
      <Skeleton width="14rem" height="1.55rem" />
      <Skeleton height="24rem" />
    </>
  );
}
