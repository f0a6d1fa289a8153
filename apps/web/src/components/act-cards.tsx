import type { ServiceName } from '../calls/services.ts';
import css from './token-cards.module.css';
import { ServiceLabel } from './labels.tsx';

/** The claim `act` as nested cards: the current actor outside, the one that it acts for inside, the person innermost. */
export function ActCards({ actors, person }: { actors: readonly ServiceName[]; person: string }) {
  const [actor, ...earlier] = actors;
  if (!actor) {
    return (
      <span className={css.person}>
        <bdi>{person}</bdi>
      </span>
    );
  }
  return (
    <span className={css.act} data-service={actor.party}>
      <span className={css.actor}>
        <ServiceLabel name={actor} /> <span className={css.for}>acts for</span>
      </span>
      <ActCards actors={earlier} person={person} />
    </span>
  );
}
