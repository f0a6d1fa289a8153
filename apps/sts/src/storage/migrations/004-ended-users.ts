import type { Migration } from '@behalf/database';

/** When all sessions of a user were ended: a sign-in that was begun before and is finished afterwards opens none. */
export const endedUsers: Migration = {
  name: '004-ended-users',
  async up(db) {
    await db.schema.alterTable('users').addColumn('sessions_ended_at', 'bigint').execute();
  },
};
