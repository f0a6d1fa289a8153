import type { DelegationFilter } from '../calls/delegations.ts';
import { clientName } from '../calls/services.ts';
import { Field } from './field.tsx';

export interface DelegationFiltersProps {
  readonly filter: DelegationFilter;
  /** The clients that have acted. */
  readonly actors: readonly string[];
  readonly onChange: (filter: DelegationFilter) => void;
}

export function DelegationFilters({ filter, actors, onChange }: DelegationFiltersProps) {
  return (
    <>
      <Field label="Show">
        {(control) => (
          <select
            {...control}
            className="input"
            value={filter.standing}
            onChange={(event) =>
              onChange({ ...filter, standing: event.target.value as DelegationFilter['standing'] })
            }
          >
            <option value="all">All</option>
            <option value="live">Live now</option>
            <option value="ended">Over or taken back</option>
            <option value="refused">Refused</option>
          </select>
        )}
      </Field>
      <Field label="Service">
        {(control) => (
          <select
            {...control}
            className="input"
            value={filter.actor}
            onChange={(event) => onChange({ ...filter, actor: event.target.value })}
          >
            <option value="all">Every service</option>
            {actors.map((actor) => (
              <option key={actor} value={actor}>
                {clientName(actor).label}
              </option>
            ))}
          </select>
        )}
      </Field>
    </>
  );
}
