/** The people of the development registry. Their passwords are their names; production has none of them. */

export interface DevelopmentUser {
  /** `sub`: opaque, never changes. */
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly email: string;
  readonly displayName: string;
  /** `may_act` (RFC 8693 §4.4) of the user's tokens. */
  readonly mayAct?: Readonly<Record<string, unknown>>;
}

export const ALICE = 'usr_7Q2mZk4TtR9xPa1c';
export const BOB = 'usr_B8nWf3LsYv6dKe0j';
export const CAROL = 'usr_J5hXq2RgUw9tMb7z';
export const DAVE = 'usr_D1pCk8VyNa4sLf6e';

export const DEVELOPMENT_USERS: readonly DevelopmentUser[] = [
  { id: ALICE, name: 'alice', password: 'alice', email: 'alice@behalf.example', displayName: 'Alice Adler' },
  { id: BOB, name: 'bob', password: 'bob', email: 'bob@behalf.example', displayName: 'Bob Brandt' },
  { id: CAROL, name: 'carol', password: 'carol', email: 'carol@behalf.example', displayName: 'Carol Conti' },
  {
    id: DAVE,
    name: 'dave',
    password: 'dave',
    email: 'dave@behalf.example',
    displayName: 'Dave Dunn',
    // Nobody here is support.client, so nobody may act for dave.
    mayAct: { sub: 'support.client' },
  },
];
