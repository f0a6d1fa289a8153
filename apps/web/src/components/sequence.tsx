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
  /** While a call plays: how many rows are there. Left out: all. */
  readonly shown?: number | undefined;
}

/**
 * A sequence diagram of text and boxes on a grid: words on the left, one lane per party, one row per step, and when each
 * began and how long it took. Every row is a button that says its sentence to a screen reader; the arrow keys go through
 * them.
 */
export function Sequence({ parties, rows, totalMs, selected, onSelect, shown = Infinity }: SequenceProps) {
  const size = { '--parties': parties.length, '--rows': rows.length } as CSSProperties;
  return (
    <div className="stack-tight">
      <div className={css.diagram} style={size}>
        <span className={`${css.timeHead} technical`} aria-hidden="true">
          {`${formatMs(totalMs)} in all`}
        </span>
        {parties.map((party, index) => (
          <Fragment key={party}>
            <span
              className={css.party}
              style={{ gridColumn: index + 2 }}
              data-service={party}
              aria-hidden="true"
            >
              <span className="shape" />
              {partyLabel(party)}
            </span>
            <span className={css.lifeline} style={{ gridColumn: index + 2 }} data-service={party} />
          </Fragment>
        ))}
        <ol className={css.rows} aria-label="Steps of the call">
          {rows.map((row, index) => (
            <Row
              key={`${index}-${row.label}`}
              row={row}
              index={index}
              parties={parties}
              totalMs={totalMs}
              isSelected={index === selected}
              isShown={index < shown}
              onSelect={onSelect}
            />
          ))}
        </ol>
      </div>
      <Legend rows={rows} />
    </div>
  );
}

interface RowProps {
  readonly row: SequenceRow;
  readonly index: number;
  readonly parties: readonly string[];
  readonly totalMs: number;
  readonly isSelected: boolean;
  readonly isShown: boolean;
  readonly onSelect: (row: number) => void;
}

function Row({ row, index, parties, totalMs, isSelected, isShown, onSelect }: RowProps) {
  const [from, to] = [parties.indexOf(row.from) + 2, parties.indexOf(row.to) + 2];
  const [first, last] = [Math.min(from, to), Math.max(from, to)];
  const place = { gridColumn: `${first} / ${last + 1}`, '--span': last - first + 1 } as CSSProperties;
  const tone = row.refusal === undefined ? css[row.kind] : css.refused;
  const classes = [css.row, to < from && css.back, tone, !isShown && css.notYet];
  return (
    <li className={classes.filter(Boolean).join(' ')} style={{ gridRow: index + 1 }} data-service={row.to}>
      <button
        type="button"
        aria-pressed={isSelected}
        onClick={() => onSelect(index)}
        onKeyDown={moveToOtherRow}
      >
        <span className={css.text}>
          <span className={css.who}>
            {partyLabel(row.from)}
            {from !== to && ` → ${partyLabel(row.to)}`}
          </span>{' '}
          <span className={`${css.label} technical`}>{row.label}</span>
          {row.refusal !== undefined && (
            <span className={`${css.refusal} technical`}>{` ✕ ${row.refusal}`}</span>
          )}
        </span>
        <span className={from === to ? css.self : css.arrow} style={place} aria-hidden="true" />
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

const MARKS: readonly (readonly [kind: string, text: string])[] = [
  ['call', 'a call'],
  ['exchange', 'a token is exchanged'],
  ['issue', 'a token is issued to itself'],
  ['cached', 'a token from memory'],
  ['refused', 'refused'],
  ['answer', 'the answer'],
];

/** Says what the marks mean, of those that are in this diagram. */
function Legend({ rows }: { rows: readonly SequenceRow[] }) {
  const kinds = new Set<string>(rows.map(({ kind, refusal }) => (refusal === undefined ? kind : 'refused')));
  return (
    <p className={css.legend}>
      {MARKS.filter(([kind]) => kinds.has(kind)).map(([kind, text]) => (
        <span key={kind} className={css[kind]}>
          <span
            className={`${css.mark} ${kind === 'issue' || kind === 'cached' ? css.self : css.arrow}`}
            aria-hidden="true"
          />
          {text}
        </span>
      ))}
    </p>
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
