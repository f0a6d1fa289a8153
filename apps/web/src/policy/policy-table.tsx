import type { Policy, PolicyDecision, PolicyRule } from '../api/policy.ts';
import { grantLabel } from '../calls/sequence.ts';
import { clientName, partyLabel } from '../calls/services.ts';
import { PartyChip, ServiceLabel } from '../components/labels.tsx';
import css from './policy.module.css';
import { rowText } from './question.ts';

/** The policy, row by row, with what each row says to the question. Nobody may act who stands in no row. */
export function PolicyTable({ policy, answer }: { policy: Policy; answer: PolicyDecision | undefined }) {
  return (
    <section className="card stack" aria-labelledby="table">
      <div className="stack-tight">
        <h2 id="table">The policy</h2>
        <p className="prose muted">
          The whole policy of the token service. A service that stands in no row may act for nobody.
        </p>
      </div>
      <Graph rules={policy.rules} />
      <table className={css.table} aria-label="Rows of the policy">
        <thead>
          <tr>
            <th scope="col">Row</th>
            <th scope="col">This service</th>
            <th scope="col">with a token</th>
            <th scope="col">may act at</th>
            <th scope="col">with the scopes</th>
            <th scope="col">by the grant</th>
            <th scope="col">actors at most</th>
            <th scope="col">To your question</th>
          </tr>
        </thead>
        <tbody>
          {policy.rules.map((rule, index) => (
            <Row
              key={`${rule.actor}-${index}`}
              rule={rule}
              number={index + 1}
              verdict={answer?.rules[index]}
              isDecisive={answer?.rule === index}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  readonly rule: PolicyRule;
  readonly number: number;
  readonly verdict: PolicyDecision['rules'][number] | undefined;
  /** This row allows what was asked. */
  readonly isDecisive: boolean;
}

function Row({ rule, number, verdict, isDecisive }: RowProps) {
  return (
    <tr className={isDecisive ? css.decisive : ''}>
      <th scope="row">{number}</th>
      <td data-label="This service">
        <ServiceLabel name={clientName(rule.actor)} />
      </td>
      <td data-label="with a token">{subjectText(rule)}</td>
      <td data-label="may act at">
        <PartyChip party={rule.to} />
      </td>
      <td data-label="with the scopes">
        <code>{rule.scopes.join(' ')}</code>
      </td>
      <td data-label="by the grant">{rule.by.map(grantLabel).join(', ')}</td>
      <td data-label="actors at most">{rule.maximum_depth}</td>
      <td data-label="To your question" className={css.says}>
        {verdict && (
          <>
            <span className={`badge badge-${verdict.allowed ? 'ok' : 'plain'}`}>
              {verdict.allowed ? '✓ allows it' : '✕ does not'}
            </span>{' '}
            {!verdict.allowed && <small>{rowText(verdict)}</small>}
          </>
        )}
      </td>
    </tr>
  );
}

function subjectText({ subject_token: token }: PolicyRule): string {
  return 'issuer' in token
    ? `of the partner ${URL.parse(token.issuer)?.host ?? token.issuer}`
    : `${token.subject === 'client' ? 'of a machine, ' : ''}for ${partyLabel(token.api)}, scope ${token.scope}`;
}

/** The same as a graph: which token becomes which, and who exchanges it. */
function Graph({ rules }: { rules: readonly PolicyRule[] }) {
  const edges = Map.groupBy(
    rules.map((rule, index) => ({ rule, number: index + 1 })),
    ({ rule }) => JSON.stringify([rule.actor, fromOf(rule), rule.to]),
  );
  return (
    <ul className={css.graph} aria-label="The policy as a graph">
      {[...edges].map(([key, ways]) => {
        const [first] = ways;
        if (!first) return null;
        const { rule } = first;
        const from = fromOf(rule);
        return (
          <li key={key}>
            <span className={css.node}>
              a token for {from === undefined ? 'a partner' : <PartyChip party={from} />}
            </span>
            <span className={css.edge}>
              <ServiceLabel name={clientName(rule.actor)} />
              <small>{`exchanges it, row ${ways.map(({ number }) => number).join(' and ')}`}</small>
            </span>
            <span className={css.node}>
              one for <PartyChip party={rule.to} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function fromOf({ subject_token: token }: PolicyRule): string | undefined {
  return 'api' in token ? token.api : undefined;
}
