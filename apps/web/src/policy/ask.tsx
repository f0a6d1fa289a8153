import { useQuery } from '@tanstack/react-query';
import { useApis } from '../api/apis-context.tsx';
import type { Policy, PolicyDecision, PolicyQuestion } from '../api/policy.ts';
import { decisionQuery } from '../api/queries.ts';
import { excerpt } from '../calls/code.ts';
import { audienceName, clientName, partyLabel } from '../calls/services.ts';
import { scopeInWords } from '../calls/tokens.ts';
import { ActCards } from '../components/act-cards.tsx';
import { Button } from '../components/button.tsx';
import { Fault } from '../components/fault.tsx';
import { Field } from '../components/field.tsx';
import { useHealing } from '../components/healing.ts';
import { ServiceLabel } from '../components/labels.tsx';
import { CodeListing } from '../components/listing.tsx';
import { Loading, Skeleton } from '../components/page.tsx';
import css from './policy.module.css';
import { PolicyTable } from './policy-table.tsx';
import { capital, GRANTS, NO_PERSON, presetsOf, verdictText, type Asked } from './question.ts';

export interface AskProps {
  readonly policy: Policy;
  readonly asked: Asked;
  readonly onAsk: (asked: Asked) => void;
}

/** "May X act at Y?": the question, the answer, and the table with what each row says. */
export function Ask({ policy, asked, onAsk }: AskProps) {
  const { account } = useApis();
  const decision = useQuery(decisionQuery(account, asked.question));
  const { error, isRetrying, retry } = useHealing(decision);
  return (
    <>
      <section className={`card ${css.ask}`} aria-labelledby="ask">
        <h2 id="ask">May this service act there?</h2>
        <p className="row">
          {presetsOf(policy).map((preset) => (
            <Button
              key={preset.label}
              small
              aria-pressed={JSON.stringify(preset.question) === JSON.stringify(asked.question)}
              onClick={() => onAsk(preset)}
            >
              {preset.label}
            </Button>
          ))}
        </p>
        <Question policy={policy} asked={asked} onAsk={onAsk} />
        {error && (
          <Fault title="The question got no answer" error={error} onRetry={retry} isRetrying={isRetrying} />
        )}
        {decision.isPending && !error && (
          <>
            <Loading what="the decision" />
            <Skeleton height="8rem" />
          </>
        )}
        {decision.data && <Decision answer={decision.data} person={capital(asked.person)} />}
      </section>
      <PolicyTable policy={policy} answer={decision.data} />
    </>
  );
}

function Question({ policy, asked, onAsk }: AskProps) {
  const { person, question } = asked;
  const { subject_token: token } = question;
  const change = (changes: Partial<PolicyQuestion>) =>
    onAsk({ person, question: { ...question, ...changes } });
  const changeToken = (changes: Partial<PolicyQuestion['subject_token']>) =>
    change({ subject_token: { ...token, ...changes } });
  const apiOf = (name: string | null) => policy.apis.find((api) => api.name === name);
  const clients = policy.clients.map(({ id }) => [id, clientName(id).label] as const);
  const services = policy.apis.map(({ name }) => [name, partyLabel(name)] as const);
  return (
    <div className={css.question}>
      <fieldset>
        <legend>The token</legend>
        <Choice
          label="of the person"
          value={person}
          options={[
            ...policy.users.map(({ name }) => [name, capital(name)] as const),
            [NO_PERSON, 'nobody: a machine’s own'],
          ]}
          onChange={(name) =>
            onAsk({
              person: name,
              question: {
                ...question,
                subject_token: {
                  ...token,
                  subject: name === NO_PERSON ? 'client' : 'user',
                  may_act: policy.users.find((user) => user.name === name)?.may_act ?? null,
                },
              },
            })
          }
        />
        <Choice
          label="good at"
          value={token.audience}
          options={services}
          onChange={(audience) => changeToken({ audience, scopes: apiOf(audience)?.scopes ?? [] })}
        />
        <Choices
          label="with the scopes"
          values={token.scopes}
          options={apiOf(token.audience)?.scopes ?? []}
          onChange={(scopes) => changeToken({ scopes })}
        />
        <Choice
          label="used so far by"
          value={token.actors.join(' ')}
          options={[
            ['', 'the person alone'],
            ...clients.filter(([id]) => policy.rules.some(({ actor }) => actor === id)),
            ['api2.client api1.client', 'API2, on behalf of API1'],
          ]}
          onChange={(actors) => changeToken({ actors: actors.split(' ').filter(Boolean) })}
        />
      </fieldset>
      <fieldset>
        <legend>The request</legend>
        <Choice
          label="of the service"
          value={question.actor}
          options={clients}
          onChange={(actor) => change({ actor })}
        />
        <Choice
          label="to act at"
          value={question.audience ?? ''}
          options={services}
          onChange={(audience) => change({ audience, scopes: apiOf(audience)?.scopes.slice(0, 1) ?? [] })}
        />
        <Choices
          label="asking for"
          values={question.scopes}
          options={apiOf(question.audience)?.scopes ?? []}
          onChange={(scopes) => change({ scopes })}
        />
        <Choice
          label="by the grant"
          value={question.grant_type}
          options={GRANTS}
          onChange={(grant) => change({ grant_type: grant })}
        />
      </fieldset>
    </div>
  );
}

function Decision({ answer, person }: { answer: PolicyDecision; person: string }) {
  const { config } = useApis();
  const { decision, rule } = answer;
  const code = excerpt(!decision.allowed && decision.by === 'subject_token' ? 'may-act' : 'decide');
  return (
    <div className={`notice notice-${decision.allowed ? 'ok' : 'bad'}`} aria-live="polite">
      <strong className={css.verdict}>
        {decision.allowed ? `Yes: row ${(rule ?? 0) + 1} allows it` : 'No'}
      </strong>
      {decision.allowed ? (
        <>
          <p>
            The new token is good at <ServiceLabel name={audienceName(decision.audience, config)} />, may{' '}
            {decision.scopes.map(scopeInWords).join(' and ')}, and says:
          </p>
          <div>
            <ActCards actors={decision.actors.map(clientName)} person={person} />
          </div>
        </>
      ) : (
        <p>{verdictText(decision)}</p>
      )}
      {code && (
        <details className="details">
          <summary>The function that decides</summary>
          <CodeListing code={code} />
        </details>
      )}
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <Field label={label}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        >
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface ChoicesProps {
  readonly label: string;
  readonly values: readonly string[];
  readonly options: readonly string[];
  readonly onChange: (values: readonly string[]) => void;
}

function Choices({ label, values, options, onChange }: ChoicesProps) {
  return (
    <fieldset className={css.choices}>
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option} className="check">
          <input
            type="checkbox"
            checked={values.includes(option)}
            onChange={(event) =>
              onChange(
                event.target.checked ? [...values, option] : values.filter((value) => value !== option),
              )
            }
          />
          <code>{option}</code>
        </label>
      ))}
    </fieldset>
  );
}
