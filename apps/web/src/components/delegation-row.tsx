import type { Delegation } from '../api/account-api.ts';
import { standingOf, type DelegationStanding } from '../claims/delegations.ts';
import { grantLabel } from '../claims/sequence.ts';
import { formatMoment } from '../money/dates.ts';
import css from '../pages/delegations.module.css';

export interface DelegationRowProps {
  readonly delegation: Delegation;
  /** Epoch seconds. */
  readonly now: number;
  readonly isBusy: boolean;
  readonly onRevoke: () => void;
}

const STANDINGS: Readonly<Record<DelegationStanding, readonly [text: string, tone: string]>> = {
  live: ['live', 'ok'],
  ended: ['over', 'plain'],
  taken_back: ['taken back', 'warn'],
  refused: ['refused', 'bad'],
};

const REASONS: Readonly<Record<string, string>> = {
  subject_token: 'the token it came with was no longer good',
  policy: 'the delegation policy does not allow it',
  subscription: 'there is no active subscription',
};

/** One row: which service, for what, when, how deep, on whose request, and how it ended. */
export function DelegationRow({ delegation, now, isBusy, onRevoke }: DelegationRowProps) {
  const { actors, client_id: clientId, audience, scope, at, grant_type: grantType, reason } = delegation;
  const standing = standingOf(delegation, now);
  const [text, tone] = STANDINGS[standing];
  const [actor = clientId, ...earlier] = actors;
  return (
    <li className={css.item}>
      <div className="stack-tight">
        <p className={css.what}>
          <strong>{actor}</strong>
          <span>{standing === 'refused' ? 'wanted to act for you at' : 'acted for you at'}</span>
          <strong>{audience ?? 'an unknown service'}</strong>
          <span className={`badge badge-${tone}`}>{text}</span>
        </p>
        <p className={css.facts}>
          <span>{formatMoment(at)}</span>
          <span>{grantLabel(grantType)}</span>
          {scope && <span>{`for ${scope}`}</span>}
          {earlier.length > 0 && <span>{`on the request of ${earlier.join(', before it ')}`}</span>}
          {standing === 'refused' && reason && <span>{REASONS[reason] ?? reason}</span>}
        </p>
      </div>
      {standing === 'live' && (
        <button
          type="button"
          className="button button-small"
          disabled={isBusy}
          aria-label={`Take back: ${actor} at ${audience ?? 'an unknown service'}, ${formatMoment(at)}`}
          onClick={onRevoke}
        >
          Take back
        </button>
      )}
    </li>
  );
}
