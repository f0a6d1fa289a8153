import type { Migration } from '@behalf/database';

/** Who ended lately is asked all the time. */
export const endedLogins: Migration = {
  name: '003-ended-logins',
  async up(db) {
    await db.schema.createIndex('logins_by_ended_at').on('logins').column('ended_at').execute();
  },
};
