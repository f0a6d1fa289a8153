import css from './chain-picture.module.css';

interface Hop {
  readonly who: string;
  readonly does: string;
  readonly token: readonly (readonly [claim: string, value: string, isNew?: boolean])[];
}

const HOPS: readonly Hop[] = [
  {
    who: 'Your browser',
    does: 'signs you in and calls API1 with your token.',
    token: [
      ['sub', 'you'],
      ['aud', 'API1'],
    ],
  },
  {
    who: 'API1',
    does: 'exchanges it for one that API2 accepts.',
    token: [
      ['sub', 'you'],
      ['aud', 'API2', true],
      ['act', 'API1', true],
    ],
  },
  {
    who: 'API2',
    does: 'exchanges that one for the next call.',
    token: [
      ['sub', 'you'],
      ['aud', 'Subscriptions', true],
      ['act', 'API2 ⟵ API1', true],
    ],
  },
  { who: 'Subscriptions', does: 'reads which user it is about and which services acted.', token: [] },
];

/** The whole idea in one picture: at each hop a new token, still about the user, naming who acts. */
export function ChainPicture() {
  return (
    <figure className={`card ${css.picture}`}>
      <ol className={css.hops}>
        {HOPS.map((hop) => (
          <li key={hop.who} className={css.hop}>
            <strong className={css.who}>{hop.who}</strong>
            <p className="muted">{hop.does}</p>
            {hop.token.length > 0 && (
              <dl className={css.token}>
                {hop.token.map(([claim, value, isNew]) => (
                  <div key={claim}>
                    <dt>{claim}</dt>
                    <dd className={isNew ? css.new : undefined}>{value}</dd>
                  </div>
                ))}
              </dl>
            )}
          </li>
        ))}
      </ol>
      <figcaption className="muted">
        The token service makes every exchange. It checks each one, records it, and can refuse the next.
      </figcaption>
    </figure>
  );
}
