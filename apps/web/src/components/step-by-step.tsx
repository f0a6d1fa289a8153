import { useState } from 'react';
import type { Step } from '../api/steps.ts';
import { CallSteps } from './call-steps.tsx';
import css from './step-by-step.module.css';

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
