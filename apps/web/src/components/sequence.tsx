import { Fragment, type CSSProperties, type KeyboardEvent } from 'react';
import type { SequenceRow } from '../calls/sequence.ts';
import { partyLabel } from '../calls/services.ts';
import { formatMs } from '../text/dates.ts';
import css from './sequence.module.css';

export interface SequenceProps {
  readonly parties: readonly string[];
  readonly rows: readonly SequenceRow[];
  /** How long the whole call took. */
  readonly totalMs: number;
  /** Index of the row that is explained elsewhere. */
  readonly selected: number;
  readonly onSelect: (row: number) => void;
}

/**
 * A sequence diagram of text and boxes on a grid: one lane per party, one row per step, and beside it when each step began
 * and how long it took. Every row is a button that says its sentence to a screen reader; the arrow keys go through them.
 */
export function Sequence({ parties, rows, totalMs, selected, onSelect }: SequenceProps) {
  const size = { '--parties': parties.length, '--rows': rows.length } as CSSProperties;
  return (
    <div className={css.diagram} style={size}>
      {parties.map((party, index) => (
        <Fragment key={party}>
          <span className={css.party} style={{ gridColumn: index + 1 }} aria-hidden="true">
            {partyLabel(party)}
          </span>
          <span className={css.lifeline} style={{ gridColumn: index + 1 }} />
        </Fragment>
      ))}
      <span className={`${css.timeHead} technical`} aria-hidden="true">
        {`${formatMs(totalMs)} in all`}
      </span>
      <ol className={css.rows} aria-label="Steps of the call">
        {rows.map((row, index) => (
          <Row
            key={`${index}-${row.label}`}
            row={row}
            index={index}
            parties={parties}
            totalMs={totalMs}
            isSelected={index === selected}
            onSelect={onSelect}
          />
        ))}
      </ol>
    </div>
  );
}

interface RowProps {
  readonly row: SequenceRow;
  readonly index: number;
  readonly parties: readonly string[];
  readonly totalMs: number;
  readonly isSelected: boolean;
  readonly onSelect: (row: number) => void;
}

function Row({ row, index, parties, totalMs, isSelected, onSelect }: RowProps) {
  const [from, to] = [parties.indexOf(row.from) + 1, parties.indexOf(row.to) + 1];
  const [first, last] = [Math.min(from, to), Math.max(from, to)];
  const isSelf = from === to;
  const place = {
    gridColumn: `${first} / ${last + 1}`,
    '--span': last - first + 1,
  } as CSSProperties;
  // A remark at one lane is wider than the lane, and stands over its middle.
  const wide = isSelf ? { gridColumn: `${first - 1} / ${last + 2}` } : place;
  const tone = row.refusal === undefined ? css[row.kind] : css.refused;
  const who = isSelf ? partyLabel(row.from) : `${partyLabel(row.from)} → ${partyLabel(row.to)}`;
  return (
    <li className={`${css.row} ${to < from ? css.back : ''} ${tone ?? ''}`} style={{ gridRow: index + 1 }}>
      <button
        type="button"
        aria-pressed={isSelected}
        onClick={() => onSelect(index)}
        onKeyDown={moveToOtherRow}
      >
        <span className={css.who}>{who}</span>
        <span className={css.text} style={wide}>
          <span className="technical">{row.label}</span>
        </span>
        <span className={isSelf ? css.self : css.arrow} style={place} aria-hidden="true" />
        {row.refusal !== undefined && (
          <span className={css.refusal} style={wide}>
            <span className="technical">{`✕ ${row.refusal}`}</span>
          </span>
        )}
        <Time row={row} totalMs={totalMs} />
      </button>
    </li>
  );
}

function Time({ row: { kind, at, durationMs }, totalMs }: { row: SequenceRow; totalMs: number }) {
  const portion = (ms: number) => `${totalMs > 0 ? Math.min(100, (100 * ms) / totalMs) : 0}%`;
  const [start, took] = [formatMs(at), formatMs(durationMs)];
  const spoken = kind === 'answer' ? `after ${start}` : `after ${start}, took ${took}`;
  return (
    <span className={css.time}>
      <span className={css.spoken}>{spoken}</span>
      <span className="technical" aria-hidden="true">
        {kind === 'answer' ? start : kind === 'cached' ? 'memory' : took}
      </span>
      <span className={css.track} aria-hidden="true">
        <span
          className={css.bar}
          style={{ insetInlineStart: portion(at), inlineSize: kind === 'answer' ? '0' : portion(durationMs) }}
        />
      </span>
    </span>
  );
}

/** Up, down, Home and End, as in a list. */
function moveToOtherRow(event: KeyboardEvent<HTMLButtonElement>): void {
  const buttons = [...(event.currentTarget.closest('ol')?.querySelectorAll('button') ?? [])];
  const at = buttons.indexOf(event.currentTarget);
  const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  const button = target === undefined ? undefined : buttons[target];
  if (!button) return;
  event.preventDefault();
  button.focus();
  button.click();
}
