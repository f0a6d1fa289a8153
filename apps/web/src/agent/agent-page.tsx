import { useCallback, useEffect, useRef, useState } from 'react';
import { Link } from 'react-router';
import { useApis } from '../api/apis-context.tsx';
import { Button } from '../components/button.tsx';
import { Notice } from '../components/notice.tsx';
import { Page } from '../components/page.tsx';
import { answerInAddress, converse, type Turn } from './conversation.ts';

/** What the agent may do, and a conversation that makes the real calls. */
export default function AgentPage() {
  const { config } = useApis();
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const [answer] = useState(answerInAddress);
  const [state, setState] = useState<'ready' | 'running' | 'failed'>(answer ? 'running' : 'ready');

  const run = useCallback(
    async (answered?: URLSearchParams) => {
      try {
        if (answered?.has('error') === true) throw new Error('The user does not allow it.');
        await converse(config.agentUrl, answered, (turn) => setTurns((before) => [...before, turn]));
        setState('ready');
      } catch {
        setState('failed');
      }
    },
    [config.agentUrl],
  );
  const hasRun = useRef(false);
  useEffect(() => {
    if (answer === undefined || hasRun.current) return;
    hasRun.current = true;
    // It is good for one use, and means nothing in a bookmark.
    history.replaceState(null, '', location.pathname);
    void run(answer);
  }, [answer, run]);
  const start = () => {
    setTurns([]);
    setState('running');
    void run();
  };

  return (
    <Page
      title="Agent"
      lead="An agent’s tools act for you at API2. Your MCP client never gets a token that API2 would take, and you can stop it at any time."
    >
      <section className="card stack-tight" aria-labelledby="rights">
        <h2 id="rights">What it may do</h2>
        <ul>
          <li>It may read your accounts.</li>
          <li>It may prepare a payment: you get a link to the filled-in form.</li>
          <li>It may not pay. API2 takes payments from API1 alone, whoever asks the agent.</li>
        </ul>
        <p className="muted">
          Any MCP client can connect to <code>{config.agentUrl}/mcp</code>, and asks you first.{' '}
          <Link to="/delegations">Who acted for me</Link> lists each of its calls; taking one back stops it
          with the next call.
        </p>
      </section>
      <section className="card stack" aria-labelledby="conversation">
        <h2 id="conversation">A conversation</h2>
        <p>
          The requests are written down beforehand and no model takes part. The sign-in, the consent and the
          calls are real.
        </p>
        <p className="row">
          <Button look="primary" isBusy={state === 'running'} onClick={start}>
            {state === 'running' ? 'Talking…' : 'Start the conversation'}
          </Button>
        </p>
        {state === 'failed' && (
          <Notice tone="bad" title="The conversation has ended">
            <p>The agent could not be reached, or you have not allowed it to act for you.</p>
          </Notice>
        )}
        {turns.length > 0 && (
          <ol className="stack" aria-label="Conversation">
            {turns.map((turn) => (
              <li key={turn.request} className="stack-tight">
                <p>
                  <strong>You:</strong> {turn.request}
                </p>
                <p>
                  <strong>Agent:</strong> <code>{`${turn.tool}(${JSON.stringify(turn.input)})`}</code>{' '}
                  <span className={turn.isRefused ? 'badge badge-warn' : 'badge'}>
                    {turn.isRefused ? 'refused' : 'done'}
                  </span>
                </p>
                {turn.link === undefined ? (
                  <p>{turn.answer}</p>
                ) : (
                  <p>
                    Nothing is booked yet. <Link to={pathOf(turn.link)}>Check the payment and pay</Link>
                  </p>
                )}
              </li>
            ))}
          </ol>
        )}
      </section>
    </Page>
  );
}

/** The path and query of a link into this site: its host may have another name here. */
function pathOf(link: string): string {
  const { pathname, search } = new URL(link);
  return `${pathname}${search}`;
}
