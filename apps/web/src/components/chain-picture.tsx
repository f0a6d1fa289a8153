import { clientName } from '../calls/services.ts';
import { ActCards } from './act-cards.tsx';
import css from './chain-picture.module.css';
import { PartyChip } from './labels.tsx';

/** From where to where each call goes, and the actors that its token names. */
const HOPS = [
  ['browser', 'api1', []],
  ['api1', 'api2', ['api1.client']],
  ['api2', 'subscriptions', ['api2.client', 'api1.client']],
] as const;

/** The whole idea in one picture: at each hop a new token, still about the user, with one more actor around. */
export function ChainPicture() {
  return (
    <figure className={css.picture}>
      <ol className={css.hops}>
        {HOPS.map(([from, to, actors]) => (
          <li key={to} className={css.hop} data-service={to}>
            <span className={css.way}>
              <PartyChip party={from} />
              <span className={css.arrow} aria-hidden="true" />
              <PartyChip party={to} />
            </span>
            <span className={css.token}>
              <span className={css.good}>
                a token, good at <PartyChip party={to} /> alone
              </span>
              <ActCards actors={actors.map(clientName)} person="you" />
            </span>
          </li>
        ))}
      </ol>
      <figcaption className="muted">
        Three calls, three tokens. The token service makes each one from the one before, checks whether that
        may be, records it, and can refuse the next.
      </figcaption>
    </figure>
  );
}
