import type { Kysely } from 'kysely';
import { digestOf } from './digest.ts';
import type { StsSchema } from './schema.ts';

/** Undoes `consume`. Not checked: whether anything was handed out for it; the caller knows that nothing was. */
export async function releaseRecord(db: Kysely<StsSchema>, model: string, id: string): Promise<void> {
  await db
    .updateTable('engine_records')
    .set({ consumed_at: null })
    .where('model', '=', model)
    .where('id', '=', digestOf(id))
    .execute();
}
