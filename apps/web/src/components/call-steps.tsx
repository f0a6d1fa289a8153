import { useState } from 'react';
import { partiesOf, rowsOf, totalMs } from '../calls/sequence.ts';
import type { Step } from '../api/steps.ts';
import { Sequence } from './sequence.tsx';
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
