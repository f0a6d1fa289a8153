import { useState } from 'react';
import { Link, useSearchParams } from 'react-router';
import * as z from 'zod/mini';
import { useApis } from '../api/apis-context.tsx';
import { useKept } from '../auth/session-context.tsx';
import { Page } from '../components/page.tsx';
import { Break } from '../start/break.tsx';
import css from '../start/start.module.css';
import { Stop } from '../start/stop.tsx';
import { Watch } from '../start/watch.tsx';

const PARTS = [
  ['watch', 'Watch'],
  ['break', 'Break'],
  ['stop', 'Stop'],
] as const;

type Part = (typeof PARTS)[number][0];

const keptSchema = z.array(z.string());

/** Two minutes for somebody who has never heard of delegation. The part is in the address, and what is done is kept. */
export default function StartPage() {
  const { experiments } = useApis().config;
  const kept = useKept('start');
  const [done, setDone] = useState<readonly string[]>(() => keptSchema.safeParse(kept.load()).data ?? []);
  const [query, setQuery] = useSearchParams();
  const parts = PARTS.filter(([name]) => experiments || name === 'watch');
  const fallback = parts.find(([name]) => !done.includes(name))?.[0] ?? 'watch';
  const part = parts.find(([name]) => name === query.get('part'))?.[0] ?? fallback;
  const open = (name: Part) => {
    setQuery({ part: name }, { replace: true });
    scrollTo({ top: 0 });
  };
  const finish = (name: Part, next?: Part) => {
    const all = [...new Set([...done, name])];
    setDone(all);
    kept.save(all);
    if (next && parts.some(([other]) => other === next)) open(next);
  };
  return (
    <Page
      title="Acting for you, in two minutes"
      lead={
        <>
          Watch a service act for you, break the rule that keeps it honest, then stop it.{' '}
          <Link to="/accounts">Skip this</Link>
        </>
      }
    >
      <nav aria-label="Parts">
        <ol className={css.parts}>
          {parts.map(([name, label], index) => (
            <li key={name} className={done.includes(name) ? css.done : ''}>
              <button
                type="button"
                aria-current={name === part ? 'step' : undefined}
                onClick={() => open(name)}
              >
                <span className={css.number} aria-hidden="true">
                  {done.includes(name) ? '✓' : index + 1}
                </span>
                {label}
                {done.includes(name) && <span className="visually-hidden">, done</span>}
              </button>
            </li>
          ))}
        </ol>
      </nav>
      {part === 'watch' && <Watch onDone={() => finish('watch', 'break')} />}
      {part === 'break' && <Break onDone={() => finish('break', 'stop')} />}
      {part === 'stop' && <Stop onDone={() => finish('stop')} />}
    </Page>
  );
}
