import type { Compilable, Kysely } from 'kysely';

/** Stands for a value while a query is built. */
class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const slots = new Proxy({}, { get: (_target, name) => new Slot(String(name)) });

/**
 * Builds and compiles a query once, because building costs several times as much as running it on SQLite. `build` takes the
 * values by name and must not look at them; the result runs the query with these values, on a transaction when one is given:
 *
 *     const accountsOf = prepare(db, (given: { owner: string }) =>
 *       db.selectFrom('accounts').selectAll().where('owner', '=', given.owner));
 *     const rows = await accountsOf({ owner: 'alice' });
 */
export function prepare<Schema, Values extends object, Row>(
  db: Kysely<Schema>,
  build: (given: Values) => Compilable<Row>,
): (values: Values, on?: Kysely<Schema>) => Promise<readonly Row[]> {
  const compiled = build(slots as Values).compile();
  return async (values, on = db) => {
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof Slot ? (values as Readonly<Record<string, unknown>>)[parameter.name] : parameter,
    );
    const { rows } = await on.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
}
