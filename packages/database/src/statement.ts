import { type Kysely, type RawBuilder, sql } from 'kysely';

/** The name of each compiled statement by its text. PostgreSQL parses and plans a named statement once for each connection. */
export const statementNames = new Map<string, string>();

/**
 * A statement that is compiled once. `build` gets a placeholder for each parameter by its position; every run binds other
 * values. Kysely builds a query anew for each run, which costs more than SQLite needs for it.
 */
export function createStatement<Row, Schema>(
  db: Kysely<Schema>,
  build: (parameter: (position: number) => RawBuilder<unknown>) => RawBuilder<Row>,
): (...values: readonly unknown[]) => Promise<readonly Row[]> {
  const compiled = build((position) => sql.val(position)).compile(db);
  if (!statementNames.has(compiled.sql)) statementNames.set(compiled.sql, `compiled_${statementNames.size}`);
  const positions = compiled.parameters as readonly number[];
  return async (...values) => {
    const parameters: unknown[] = [];
    for (const position of positions) parameters.push(values[position]);
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
}
