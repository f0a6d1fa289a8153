import type { ReactNode } from 'react';
import { useApis } from '../api/apis-context.tsx';
import type { Step } from '../api/steps.ts';
import { useUser } from '../auth/session-context.tsx';
import { partyLabel } from '../calls/services.ts';
import { sentenceOf, tokensOf, type TokenInWords } from '../calls/tokens.ts';
import { ActCards } from './act-cards.tsx';
import { PartyChip, ServiceLabel } from './labels.tsx';
import css from './token-cards.module.css';

export interface TokenCardsProps {
  readonly steps: readonly Step[];
  /** Only the tokens of the steps up to this one are there yet. Left out: all. */
  readonly upTo?: number;
}

/** The tokens of a call side by side, in words; the claim of each word stands beside it. */
export function TokenCards({ steps, upTo = Infinity }: TokenCardsProps) {
  const { config } = useApis();
  const { name } = useUser();
  const tokens = tokensOf(steps, config);
  const last = tokens.findLast(({ step, isAboutUser }) => step <= upTo && isAboutUser);
  return (
    <div className="stack">
      {last && (
        <p className={css.sentence} aria-live="polite">
          {sentenceOf(last, name)}
        </p>
      )}
      <ol className={css.tokens} aria-label="The tokens of this call">
        {tokens.map((token) => (
          <li
            key={token.step}
            className={`card ${css.token} ${token.step > upTo ? css.notYet : ''}`}
            data-service={token.holder}
          >
            <TokenCard token={token} person={name} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function TokenCard({ token, person }: { token: TokenInWords; person: string }) {
  const { holder, isAboutUser, goodAt, permits, actors } = token;
  return (
    <>
      <h3 className={css.title}>
        <span className={css.holder}>The token that</span> <PartyChip party={holder} />{' '}
        <span className={css.holder}>{holder === 'browser' ? 'sends' : 'gets'}</span>
      </h3>
      <dl className={css.words}>
        <Word words="is about" claim="sub">
          {isAboutUser ? (
            <span className={css.person}>
              <bdi>{person}</bdi>
            </span>
          ) : (
            'no person: the token service itself'
          )}
        </Word>
        <Word words="is good at" claim="aud">
          <ServiceLabel name={goodAt} />
        </Word>
        <Word words="may" claim="scope">
          {permits.join(' and ') || 'nothing'}
        </Word>
        <Word words="is used by" claim="act">
          {actors.length > 0 ? (
            <ActCards actors={actors} person={person} />
          ) : isAboutUser ? (
            `${person} in person: there is no act`
          ) : (
            `${partyLabel('sts')}, for nobody: there is no act`
          )}
        </Word>
      </dl>
    </>
  );
}

function Word({ words, claim, children }: { words: string; claim: string; children: ReactNode }) {
  return (
    <div>
      <dt>
        {words} <code>{claim}</code>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
