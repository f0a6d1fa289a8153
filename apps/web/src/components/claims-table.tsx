import type { Claims } from '../api/steps.ts';
import {
  compareClaims,
  explainClaim,
  showClaim,
  type Change,
  type ClaimComparison,
} from '../calls/claims.ts';
import css from './claims-table.module.css';
import { Source } from './labels.tsx';

export interface ClaimsTableProps {
  /** Whose token `before` is: "at API1". */
  readonly beforeLabel?: string;
  readonly afterLabel: string;
  /** Left out: there is nothing to compare with. */
  readonly before?: Claims;
  readonly after: Claims;
  /** Of each claim's name. */
  readonly headingLevel: 3 | 4;
}

const CHANGES: Readonly<Record<Change, string>> = {
  added: 'added',
  removed: 'removed',
  changed: 'changed',
  kept: 'kept',
};

/** A token's claims, each with what it was before, what has become of it, and why. */
export function ClaimsTable({ before, after, beforeLabel, afterLabel, headingLevel }: ClaimsTableProps) {
  return (
    <div className={css.claims}>
      <div className={css.heads} aria-hidden="true">
        <span className={`${css.values} ${beforeLabel === undefined ? '' : css.sideBySide}`}>
          {beforeLabel !== undefined && <span>{beforeLabel}</span>}
          <span>{afterLabel}</span>
        </span>
      </div>
      {compareClaims(before ?? after, after).map((row) => (
        <ClaimRow
          key={row.claim}
          row={row}
          afterLabel={afterLabel}
          headingLevel={headingLevel}
          {...(before && beforeLabel !== undefined ? { beforeLabel } : {})}
        />
      ))}
    </div>
  );
}

function ClaimRow({
  row,
  beforeLabel,
  afterLabel,
  headingLevel,
}: Pick<ClaimsTableProps, 'beforeLabel' | 'afterLabel' | 'headingLevel'> & {
  readonly row: ClaimComparison;
}) {
  const { claim, change, before, after } = row;
  const isCompared = beforeLabel !== undefined;
  const Heading = headingLevel === 3 ? 'h3' : 'h4';
  const { sentence, source } = explainClaim(claim, isCompared ? change : undefined);
  return (
    <div className={css.claim}>
      <Heading className={css.name}>
        {claim}
        {isCompared && <span className={`badge badge-${change}`}>{CHANGES[change]}</span>}
      </Heading>
      <dl className={`${css.values} ${isCompared ? css.sideBySide : ''}`}>
        {isCompared && <Value label={beforeLabel} claim={claim} value={before} />}
        <Value label={afterLabel} claim={claim} value={after} />
      </dl>
      <p className={css.why}>
        {sentence} <Source text={source} />
      </p>
    </div>
  );
}

function Value({ label, claim, value }: { label: string; claim: string; value: unknown }) {
  return (
    <div className={css.value}>
      <dt>{label}</dt>
      <dd className={`technical ${value === undefined ? css.none : ''}`}>
        {value === undefined ? '–' : showClaim(claim, value)}
      </dd>
    </div>
  );
}
