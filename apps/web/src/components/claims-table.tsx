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

/** Claims that each token has, and that tell nothing about who may do what. */
const BOOKKEEPING = new Set(['iss', 'auth_time', 'amr', 'sid', 'iat', 'exp', 'jti']);

/** What has changed comes first; the order stays within that. */
function byNews(a: ClaimComparison, b: ClaimComparison): number {
  return Number(a.change === 'kept') - Number(b.change === 'kept');
}

/** A token's claims, each with what it was before, what has become of it, and why. */
export function ClaimsTable({ before, after, beforeLabel, afterLabel, headingLevel }: ClaimsTableProps) {
  const rows = compareClaims(before ?? after, after);
  const bookkeeping = rows.filter(({ claim }) => BOOKKEEPING.has(claim));
  const telling = rows.filter(({ claim }) => !BOOKKEEPING.has(claim)).toSorted(byNews);
  const claimRow = (row: ClaimComparison) => (
    <ClaimRow
      key={row.claim}
      row={row}
      afterLabel={afterLabel}
      headingLevel={headingLevel}
      {...(before && beforeLabel !== undefined ? { beforeLabel } : {})}
    />
  );
  return (
    <div className={css.claims}>
      {telling.map(claimRow)}
      {bookkeeping.length > 0 && (
        <details className={css.others}>
          <summary>{`The bookkeeping: ${bookkeeping.map(({ claim }) => claim).join(', ')}`}</summary>
          {bookkeeping.map(claimRow)}
        </details>
      )}
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
