import { useState } from 'react';
import type { Step } from '../api/steps.ts';
import { partiesOf, rowsOf, totalMs } from '../calls/sequence.ts';
import { Sequence } from './sequence.tsx';
import css from './call-steps.module.css';
import { StepDetail, type StepHeadingLevel } from './step-detail.tsx';

export interface CallStepsProps {
  readonly steps: readonly Step[];
  readonly headingLevel: StepHeadingLevel;
}

/** A call as a sequence diagram, and the chosen step in detail. Opens at the first refusal, else at the first exchange. */
export function CallSteps({ steps, headingLevel }: CallStepsProps) {
  const rows = rowsOf(steps);
  const [selected, setSelected] = useState(() => mostTelling(steps));
  const row = rows[selected];
  return (
    <>
      <Sequence
        parties={partiesOf(steps)}
        rows={rows}
        totalMs={totalMs(steps)}
        selected={selected}
        onSelect={setSelected}
      />
      {row && <StepDetail steps={steps} index={row.step} headingLevel={headingLevel} />}
    </>
  );
}

function mostTelling(steps: readonly Step[]): number {
  const inner = steps.slice(1);
  const refused = inner.findIndex(({ status, error }) => status === null || error !== undefined);
  const exchange = inner.findIndex(({ kind }) => kind === 'exchange');
  return (refused === -1 ? exchange : refused) + 1;
}

/** A call beside what came of it, below a heading of the second level. Drawn only when asked for. */
export function StepByStep({ steps }: { steps: readonly Step[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={css.details} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Step by step</summary>
      {isOpen && (
        <div className={css.steps}>
          <CallSteps steps={steps} headingLevel={3} />
        </div>
      )}
    </details>
  );
}
