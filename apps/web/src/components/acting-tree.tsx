import { useEffect, useRef, type ReactNode } from 'react';
import { useLocation } from 'react-router';
import type { Delegation } from '../api/account-api.ts';
import { useApis } from '../api/apis-context.tsx';
import {
  liveToken,
  withDescendants,
  type ActingNode,
  type Refusals,
  type SessionTree,
  type Standing,
} from '../calls/delegations.ts';
import { grantLabel } from '../calls/sequence.ts';
import { audienceName, clientName } from '../calls/services.ts';
import { scopeInWords } from '../calls/tokens.ts';
import { formatMoment } from '../text/dates.ts';
import css from './acting-tree.module.css';
import { Button } from './button.tsx';
import { ServiceLabel } from './labels.tsx';

/** What the page does with a node of the tree. */
export interface TreeHandlers {
  /** Keys of the nodes that end with the one that is pointed at or asked about. */
  readonly endangered: ReadonlySet<string>;
  readonly isBusy: boolean;
  readonly onPoint: (node: ActingNode | undefined) => void;
  readonly onTakeBack: (node: ActingNode) => void;
  /** Stands at a node: what became of taking it back. */
  readonly newsOf: (node: ActingNode) => ReactNode;
}

export function ActingTree({ tree, handlers }: { tree: SessionTree; handlers: TreeHandlers }) {
  const { nodes, refusals } = tree;
  return (
    <>
      {nodes.length > 0 && (
        <ul className={css.tree} aria-label="Who acted">
          {nodes.map((node) => (
            <Node key={node.key} node={node} handlers={handlers} />
          ))}
        </ul>
      )}
      {refusals.length > 0 && <RefusalList refusals={refusals} />}
    </>
  );
}

const STANDINGS: Readonly<Record<Standing, readonly [mark: string, text: string, tone: string]>> = {
  live: ['●', 'live', 'ok'],
  blocked: ['⊘', 'blocked by you', 'warn'],
  ended: ['○', 'ended', 'plain'],
};

function Node({ node, handlers }: { node: ActingNode; handlers: TreeHandlers }) {
  const { config } = useApis();
  const { endangered, isBusy, onPoint, onTakeBack, newsOf } = handlers;
  const actor = clientName(node.actor);
  const place = node.audience === undefined ? undefined : audienceName(node.audience, config);
  const [mark, text, tone] = STANDINGS[node.standing];
  const isEndangered = endangered.has(node.key);
  const live = liveToken(node);
  return (
    <li className={css.branch}>
      <div
        className={`${css.node} ${isEndangered ? css.endangered : ''} ${css[node.standing]}`}
        data-service={actor.party}
      >
        <p className={css.what}>
          <ServiceLabel name={actor} /> <span className="muted">acts at</span>{' '}
          {place ? <ServiceLabel name={place} /> : 'a service that was not named'}
          <span className={`badge badge-${isEndangered ? 'bad' : tone}`}>
            <span aria-hidden="true">{`${isEndangered ? '✕' : mark} `}</span>
            {isEndangered ? 'would end' : text}
          </span>
        </p>
        <p className={css.may}>{`may ${node.scopes.map(scopeInWords).join(' and ') || 'do nothing'}`}</p>
        {live && (
          <span className={css.action}>
            <Button
              small
              isBusy={isBusy}
              aria-label={`Take back: ${actor.label} at ${place?.label ?? 'a service'}`}
              onClick={() => onTakeBack(node)}
              onPointerEnter={() => onPoint(node)}
              onPointerLeave={() => onPoint(undefined)}
              onFocus={() => onPoint(node)}
              onBlur={() => onPoint(undefined)}
            >
              Take back
            </Button>
          </span>
        )}
        <Tokens tokens={node.tokens} />
      </div>
      {newsOf(node)}
      {node.children.length > 0 && (
        <ul className={css.tree} aria-label={`On behalf of ${actor.label}`}>
          {node.children.map((child) => (
            <Node key={child.key} node={child} handlers={handlers} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** The rows of the ledger behind a node. A link to one of them opens it. */
function Tokens({ tokens }: { tokens: readonly Delegation[] }) {
  const wanted = useLocation().hash.slice(1);
  const isWanted = tokens.some(({ jti }) => jti === wanted);
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isWanted) row.current?.scrollIntoView({ block: 'center' });
  }, [isWanted]);
  return (
    <details className={css.tokens} open={isWanted || undefined}>
      <summary>{tokens.length === 1 ? '1 token' : `${tokens.length} tokens`}</summary>
      <ul>
        {tokens.map(({ jti, at, grant_type: grant, active, revoked_at: revoked }) => (
          <li key={jti} ref={jti === wanted ? row : null} className={jti === wanted ? css.wanted : ''}>
            <span>{formatMoment(at)}</span> <span>{grantLabel(grant)}</span>{' '}
            <span>{active ? '● live' : typeof revoked === 'number' ? '⊘ taken back' : '○ ended'}</span>{' '}
            <code>{jti}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  subject_token: 'the token that it presented was no longer good',
  policy: 'the policy does not allow it, or you have taken the right back',
  subscription: 'you have no active subscription',
};

function RefusalList({ refusals }: { refusals: readonly Refusals[] }) {
  const { config } = useApis();
  return (
    <div className="stack-tight">
      <h4 className={css.heading}>Refused</h4>
      <ul className={css.refusals} aria-label="Refused">
        {refusals.map(({ actor, audience, scope, reason, count, lastAt }) => (
          <li key={`${actor} ${audience} ${scope} ${reason}`}>
            <p className={css.what}>
              <ServiceLabel name={clientName(actor)} /> <span className="muted">asked to act at</span>{' '}
              {audience ? <ServiceLabel name={audienceName(audience, config)} /> : 'another service'}
              <span className="badge badge-bad">✕ refused</span>
            </p>
            <p className={css.may}>
              {`To ${scope.split(' ').filter(Boolean).map(scopeInWords).join(' and ') || 'act'}: ${REASONS[reason ?? ''] ?? 'for another reason'}. `}
              {count === 1 ? formatMoment(lastAt) : `${count} times, the last one ${formatMoment(lastAt)}`}
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What ends with a node, in one sentence. */
export function EndsWith({ node }: { node: ActingNode }) {
  const { config } = useApis();
  const names = withDescendants(node)
    .filter(({ standing }) => standing === 'live')
    .map(
      ({ actor, audience }) =>
        `${clientName(actor).label} at ${audience ? audienceName(audience, config).label : 'a service'}`,
    );
  return <p>{`This ends: ${names.join(', and through it ')}.`}</p>;
}
