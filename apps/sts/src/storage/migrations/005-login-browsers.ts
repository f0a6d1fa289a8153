import type { Migration } from '@behalf/database';

/** In which browser somebody signed in, in two words, so that people know their sessions apart. */
export const loginBrowsers: Migration = {
  name: '005-login-browsers',
  async up(db) {
    await db.schema.alterTable('logins').addColumn('browser', 'text').execute();
  },
};
