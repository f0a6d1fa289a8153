import { Fragment, type CSSProperties } from 'react';
import type { Party, SequenceStep } from '../claims/sequence.ts';
import css from './sequence.module.css';

export interface SequenceProps {
  readonly parties: readonly Party[];
  readonly steps: readonly SequenceStep[];
  readonly selected: number;
  readonly onSelect: (step: number) => void;
}

/** Less is no time to speak of: a look into a cache. */
const SHORTEST_SHOWN_MS = 0.1;

/**
 * A sequence diagram of text and boxes on a grid: one lane per party, one row per step. It is hand-made because every step
 * is a button that says its sentence to a screen reader, which drawn diagrams do not offer.
 */
export function Sequence({ parties, steps, selected, onSelect }: SequenceProps) {
  const lane = (id: string) => parties.findIndex((party) => party.id === id) + 1;
  const name = (id: string) => parties.find((party) => party.id === id)?.label ?? id;
  const size = { '--parties': parties.length, '--steps': steps.length } as CSSProperties;
  return (
    <div className={css.scroller}>
      <div className={css.diagram} style={size}>
        {parties.map(({ id, label }) => (
          <Fragment key={id}>
            <span className={css.party} style={{ gridColumn: lane(id) }} aria-hidden="true">
              {label}
            </span>
            <span className={css.lifeline} style={{ gridColumn: lane(id) }} />
          </Fragment>
        ))}
        <ol className={css.steps} aria-label="Steps of the call">
          {steps.map((step, index) => {
            const [from, to] = [lane(step.from), lane(step.to)];
            const [first, last] = [Math.min(from, to), Math.max(from, to)];
            const isSelf = from === to;
            const place = {
              gridRow: index + 2,
              gridColumn: `${first} / ${last + 1}`,
              '--span': last - first + 1,
            };
            const direction = to < from ? css.back : '';
            const kind = css[step.kind] ?? '';
            return (
              <li key={`${index}-${step.label}`} className={`${css.step} ${direction} ${kind}`} style={place}>
                <button type="button" aria-pressed={index === selected} onClick={() => onSelect(index)}>
                  <span className={css.parties}>
                    {isSelf ? name(step.from) : `${name(step.from)} → ${name(step.to)}`}
                  </span>
                  <span className={css.text}>
                    {step.label}{' '}
                    {step.durationMs !== undefined && step.durationMs >= SHORTEST_SHOWN_MS && (
                      <Duration ms={step.durationMs} />
                    )}
                  </span>
                  <span className={isSelf ? css.self : css.arrow} aria-hidden="true" />
                </button>
              </li>
            );
          })}
        </ol>
      </div>
    </div>
  );
}

function Duration({ ms }: { ms: number }) {
  const format = new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: 'millisecond',
    maximumFractionDigits: ms < 10 ? 1 : 0,
  });
  return <span className={css.time}>{format.format(ms)}</span>;
}
