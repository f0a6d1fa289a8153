import type { Delegation } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import { actorOf, standingOf, type DelegationStanding } from '../calls/delegations.ts';
import { grantLabel } from '../calls/sequence.ts';
import { audienceName, clientName } from '../calls/services.ts';
import { formatMoment } from '../text/dates.ts';
import { Button } from './button.tsx';
import css from './delegation-table.module.css';
import { ServiceLabel } from './labels.tsx';

export interface DelegationTableProps {
  readonly delegations: readonly Delegation[];
  /** Epoch seconds. */
  readonly now: number;
  readonly isBusy: boolean;
  readonly onTakeBack: (delegation: Delegation) => void;
}

/** Who acted, where, for what, on whose request, how deep, when, and how it ended. On a phone each row is a card. */
export function DelegationTable({ delegations, now, isBusy, onTakeBack }: DelegationTableProps) {
  return (
    <table className={css.table} aria-label="Delegations">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who acted</th>
          <th scope="col">Where</th>
          <th scope="col">For what</th>
          <th scope="col">On whose request</th>
          <th scope="col">Outcome</th>
          <th scope="col">
            <span className="visually-hidden">Action</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {delegations.map((delegation) => (
          <Row
            key={delegation.jti}
            delegation={delegation}
            now={now}
            isBusy={isBusy}
            onTakeBack={onTakeBack}
          />
        ))}
      </tbody>
    </table>
  );
}

const STANDINGS: Readonly<Record<DelegationStanding, readonly [text: string, tone: string]>> = {
  live: ['live', 'ok'],
  ended: ['over', 'plain'],
  taken_back: ['taken back', 'warn'],
  refused: ['refused', 'bad'],
};

const REASONS: Readonly<Record<string, string>> = {
  subject_token: 'the token presented was no longer good',
  policy: 'not allowed by the policy or by you',
  subscription: 'no active subscription',
};

type RowProps = Omit<DelegationTableProps, 'delegations'> & { readonly delegation: Delegation };

function Row({ delegation, now, isBusy, onTakeBack }: RowProps) {
  const { config } = useApis();
  const { audience, scope, at, grant_type: grant, reason } = delegation;
  const standing = standingOf(delegation, now);
  const [text, tone] = STANDINGS[standing];
  const actor = clientName(actorOf(delegation));
  const place = audience ? audienceName(audience, config) : undefined;
  return (
    <tr>
      <td className={css.when}>{formatMoment(at)}</td>
      <td className={css.actor}>
        <ServiceLabel name={actor} />
      </td>
      <td className={css.place}>{place ? <ServiceLabel name={place} /> : 'not said'}</td>
      <td className={css.what}>
        <code>{scope ?? '–'}</code> <small>{grantLabel(grant)}</small>
      </td>
      <td className={css.request}>
        <Requesters delegation={delegation} />
      </td>
      <td className={css.outcome}>
        <span className={`badge badge-${tone}`}>{text}</span>
        {standing === 'refused' && reason && <small>{REASONS[reason] ?? 'for another reason'}</small>}
      </td>
      <td className={css.action}>
        {standing === 'live' && (
          <Button
            small
            isBusy={isBusy}
            aria-label={`Take back: ${actor.label} at ${place?.label ?? 'a service'}, ${formatMoment(at)}`}
            onClick={() => onTakeBack(delegation)}
          >
            Take back
          </Button>
        )}
      </td>
    </tr>
  );
}

/** The person and the earlier actors. The depth is the number of all actors. */
function Requesters({ delegation: { actors } }: { delegation: Delegation }) {
  const earlier = actors.slice(1).map((actor) => clientName(actor).label);
  return (
    <>
      <span>{['you', ...earlier.toReversed()].join(' → ')}</span> <small>{`depth ${actors.length}`}</small>
    </>
  );
}
