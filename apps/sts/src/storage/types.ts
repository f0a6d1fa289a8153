/** What the STS asks of its storage besides the engine's own records. Times are epoch seconds. */

export interface User {
  /** `sub`: opaque, never changes. */
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly displayName: string | null;
  /** `may_act` (RFC 8693 §4.4) that this user's tokens carry, or null. */
  readonly mayAct: Readonly<Record<string, unknown>> | null;
  readonly disabled: boolean;
}

export interface UserStore {
  findById(id: string): Promise<User | undefined>;
  findByName(name: string): Promise<User | undefined>;
  /**
   * The user, when name and password fit and the user is enabled. An unknown name costs the same time as a known one.
   * Not checked: throttling.
   */
  authenticate(name: string, password: string): Promise<User | undefined>;
  add(user: {
    id?: string;
    name: string;
    password: string;
    email?: string;
    displayName?: string;
    mayAct?: Record<string, unknown>;
  }): Promise<User>;
  /** Ends the user's sessions in the same transaction: whoever knew the old password may have signed in with it. */
  setPassword(name: string, password: string): Promise<boolean>;
  /** Disabling ends the user's sessions in the same transaction. */
  setDisabled(name: string, disabled: boolean): Promise<boolean>;
}

/** A client as it is registered: OAuth metadata (RFC 7591 names) plus what is ours. */
export interface RegisteredClient {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** API scopes this client may ask for. */
  readonly scopes: readonly string[];
  /** First-party clients skip the consent page. */
  readonly firstParty: boolean;
  readonly disabled: boolean;
}

export interface ClientStore {
  find(id: string): Promise<RegisteredClient | undefined>;
  list(): Promise<readonly RegisteredClient[]>;
  upsert(client: Omit<RegisteredClient, 'disabled'>): Promise<void>;
  /** SHA-256 at rest, several per client, each with an expiry or null. */
  addSecret(id: string, secret: string, options?: { expiresAt?: number | null }): Promise<void>;
  /** Ends every secret but this one from `now` on. False, and nothing ends, when this one is no good secret of the client. */
  keepOnlySecret(id: string, secret: string, now: number): Promise<boolean>;
  /** Compares in constant time against every unexpired secret. */
  checkSecret(id: string, secret: string, now: number): Promise<boolean>;
  setDisabled(id: string, disabled: boolean): Promise<boolean>;
}
