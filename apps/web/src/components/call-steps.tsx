import { useState } from 'react';
import { useSearchParams } from 'react-router';
import type { Step } from '../api/steps.ts';
import { mermaidOf, svgOf } from '../calls/export.ts';
import { partiesOf, refusalOf, rowsOf, totalMs } from '../calls/sequence.ts';
import { Button } from './button.tsx';
import css from './call-steps.module.css';
import { Listing } from './listing.tsx';
import { Sequence } from './sequence.tsx';
import { StepDetail, stepTabOf, type StepHeadingLevel, type StepTab } from './step-detail.tsx';

/** The row that is chosen, and the tab of its detail. */
export interface StepChoice {
  readonly row: number;
  readonly tab: StepTab;
}

export interface CallStepsProps {
  readonly steps: readonly Step[];
  readonly headingLevel: StepHeadingLevel;
  /** Left out: the choice is kept here. */
  readonly choice?: StepChoice;
  readonly onChoice?: (choice: StepChoice) => void;
  /** While the call plays: how many rows are there. */
  readonly shown?: number | undefined;
}

/** A call as a sequence diagram, and beside it the chosen step in detail. Opens at the first refusal, else at the first exchange. */
export function CallSteps({ steps, headingLevel, choice, onChoice, shown }: CallStepsProps) {
  const rows = rowsOf(steps);
  const [own, setOwn] = useState<StepChoice>(() => ({ row: mostTelling(steps), tab: 'changed' }));
  const { row: selected, tab } = choice ?? own;
  const choose = onChoice ?? setOwn;
  const row = rows[selected] ?? rows[0];
  return (
    <div className={css.around}>
      <div className={css.call}>
        <div className="stack-tight">
          <Sequence
            parties={partiesOf(steps)}
            rows={rows}
            totalMs={totalMs(steps)}
            selected={selected}
            shown={shown}
            onSelect={(index) => choose({ row: index, tab })}
          />
          <Exports steps={steps} />
        </div>
        {row && (
          <div className={css.detail}>
            <StepDetail
              steps={steps}
              index={row.step}
              headingLevel={headingLevel}
              tab={tab}
              onTab={(name) => choose({ row: selected, tab: name })}
            />
          </div>
        )}
      </div>
    </div>
  );
}

/** The choice in the address of the page, `?step=3&tab=request`, so that a link leads to it. */
export function useStepInAddress(
  steps: readonly Step[],
): Required<Pick<CallStepsProps, 'choice' | 'onChoice'>> {
  const [query, setQuery] = useSearchParams();
  const step = Number(query.get('step'));
  const row = Number.isInteger(step) && step > 0 ? step - 1 : mostTelling(steps);
  return {
    choice: { row, tab: stepTabOf(query.get('tab')) ?? 'changed' },
    onChoice: (choice) =>
      setQuery(
        (before) => {
          const after = new URLSearchParams(before);
          after.set('step', String(choice.row + 1));
          after.set('tab', choice.tab);
          return after;
        },
        { replace: true, preventScrollReset: true },
      ),
  };
}

export function mostTelling(steps: readonly Step[]): number {
  const inner = steps.slice(1);
  const refused = inner.findIndex((step) => refusalOf(step) !== undefined);
  const exchange = inner.findIndex(({ kind }) => kind === 'exchange');
  return (refused === -1 ? exchange : refused) + 1;
}

function Exports({ steps }: { steps: readonly Step[] }) {
  const [text, setText] = useState<string>();
  return (
    <details className={css.exports}>
      <summary>Take this diagram along</summary>
      <div className="stack-tight">
        <p className="row">
          <Button small onClick={() => setText(mermaidOf(steps))}>
            Mermaid text
          </Button>
          <Button small onClick={() => download('call.svg', 'image/svg+xml', svgOf(steps))}>
            Save as SVG
          </Button>
        </p>
        {text !== undefined && <Listing text={text} what="Mermaid text" />}
      </div>
    </details>
  );
}

function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}

/** A call beside what came of it, below a heading of the second level. Drawn only when asked for. */
export function StepByStep({
  steps,
  isOpen: opensAtOnce = false,
}: {
  steps: readonly Step[];
  isOpen?: boolean;
}) {
  const [isOpen, setOpen] = useState(opensAtOnce);
  return (
    <details className={css.details} open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Step by step</summary>
      {isOpen && (
        <div className={css.steps}>
          <CallSteps steps={steps} headingLevel={3} />
        </div>
      )}
    </details>
  );
}
