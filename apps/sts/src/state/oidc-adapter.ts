import { hkdfSync } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider';
import { seal, unseal } from '../keys/key-encryption.ts';
import { saveLogin } from './revocation.ts';
import { digestOf, type OidcRecordTable, sessionIdOf, type StsSchema } from './schema.ts';
import type { Generation } from './users.ts';

/** Found by `session.uid` a session has no clear id; this stands in for it and finds nothing by itself. */
const STORED_ID = 'stored:';

/** An interaction repeats its own id in `returnTo`, and the session cookie; a sign-in at the upstream has its code verifier. */
const SEALED_MODELS = new Set(['Interaction', 'UpstreamSignIn']);

/** Models whose records end with their client's grant. */
const GRANTABLE_MODELS = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

/**
 * One of oidc-provider's models in the database. A record whose grant or login session has ended is not found, even if
 * it was saved after that end. Expired records may still be found (oidc-provider checks `exp`) until they are swept.
 */
export class OidcAdapter implements Adapter {
  readonly #db: Kysely<StsSchema>;
  readonly #model: string;
  readonly #now: () => number;
  readonly #endGrant: (grantId: string) => Promise<void>;

  /** `now` is in epoch seconds; `endGrant` ends a client's grant with everything that hangs from it. */
  constructor(
    db: Kysely<StsSchema>,
    options: {
      readonly model: string;
      readonly now: () => number;
      readonly endGrant: (grantId: string) => Promise<void>;
    },
  ) {
    this.#db = db;
    this.#model = options.model;
    this.#now = options.now;
    this.#endGrant = options.endGrant;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const row = this.#rowOf(id, payload, expiresIn);
    const { accountId: subject, loginTs } = payload;
    const { session } = row;
    if (this.#model !== 'Session' || subject === undefined || session === null) return save(this.#db, row);
    await this.#db.transaction().execute(async (transaction) => {
      await saveLogin(transaction, {
        session,
        subject,
        ...signInOf(),
        signedInAt: loginTs ?? this.#now(),
        expiresAt: row.expires_at ?? this.#now(),
      });
      await save(transaction, row);
    });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const row = await this.#active().where('oidc_records.id', '=', digestOf(id)).executeTakeFirst();
    return row === undefined ? undefined : this.#payloadOf(row, id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const row = await this.#active().where('uid', '=', uid).executeTakeFirst();
    return row === undefined ? undefined : this.#payloadOf(row, `${STORED_ID}${row.id}`);
  }

  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /**
   * Marks a record as used; of parallel callers one succeeds. The others are a replay: they end the grant with
   * everything that hangs from it (RFC 9700 §4.14.2, RFC 6749 §4.1.2) and throw oidc-provider's refusal.
   */
  async consume(id: string): Promise<void> {
    const { numUpdatedRows } = await this.#db
      .updateTable('oidc_records')
      .set({ consumed_at: this.#now() })
      .where('model', '=', this.#model)
      .where('id', '=', storedId(id))
      .where('consumed_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) return;
    const row = await this.#db
      .selectFrom('oidc_records')
      .select('grant_id')
      .where('model', '=', this.#model)
      .where('id', '=', storedId(id))
      .executeTakeFirst();
    if (row?.grant_id != null && GRANTABLE_MODELS.has(this.#model)) await this.#endGrant(row.grant_id);
    if (this.#model === 'PushedAuthorizationRequest') {
      throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
    }
    throw new errors.InvalidGrant('already used');
  }

  /** Destroying a grant ends it. Destroying a session is no logout: oidc-provider does so when it changes a session's id. */
  async destroy(id: string): Promise<void> {
    if (this.#model === 'Grant') await this.#endGrant(id);
    await this.#db
      .deleteFrom('oidc_records')
      .where('model', '=', this.#model)
      .where('id', '=', storedId(id))
      .execute();
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#endGrant(grantId);
  }

  /** A login whose generations are no longer its user's and the server's has ended. */
  #active() {
    return this.#db
      .selectFrom('oidc_records')
      .leftJoin('logins', 'logins.session', 'oidc_records.session')
      .leftJoin('grant_ends', 'grant_ends.grant_id', 'oidc_records.grant_id')
      .leftJoin('users', 'users.id', 'logins.subject')
      .innerJoin('server', (join) => join.onTrue())
      .selectAll('oidc_records')
      .where('model', '=', this.#model)
      .where('logins.ended_at', 'is', null)
      .where('grant_ends.ended_at', 'is', null)
      .where(
        sql<boolean>`(logins.session is null or (logins.server_generation = server.generation
          and logins.user_generation = users.generation))`,
      );
  }

  #rowOf(id: string, payload: AdapterPayload, expiresIn: number | undefined): OidcRecordTable {
    // The id stands in the database as a digest only; `#payloadOf` puts it back.
    const { jti: _jti, consumed: _consumed, ...kept } = payload;
    const { uid } = payload;
    const text = JSON.stringify(kept);
    const sessionUid = this.#model === 'Session' ? uid : payload.sessionUid;
    const grantId =
      this.#model === 'Grant' ? id : GRANTABLE_MODELS.has(this.#model) ? payload.grantId : undefined;
    return {
      model: this.#model,
      id: storedId(id),
      payload: SEALED_MODELS.has(this.#model) ? seal(keyUnder(id), text) : text,
      grant_id: grantId ?? null,
      session: sessionUid === undefined ? null : sessionIdOf(sessionUid),
      uid: uid ?? null,
      expires_at: expiresIn === undefined ? null : this.#now() + expiresIn,
      consumed_at: null,
    };
  }

  #payloadOf(row: OidcRecordTable, id: string): AdapterPayload {
    const text = SEALED_MODELS.has(this.#model) ? unseal(keyUnder(id), row.payload) : row.payload;
    const payload = JSON.parse(text) as AdapterPayload;
    return { ...payload, jti: id, ...(row.consumed_at === null ? {} : { consumed: row.consumed_at }) };
  }
}

/**
 * What the sign-in page says of a login, while oidc-provider takes up its result: the generations that were read with the
 * proof of the person, and the session at the upstream. Both undefined outside a request. Throws on a sign-in without
 * generations, because nothing could end it.
 */
function signInOf(): { readonly generation: Generation | undefined; readonly upstream: string | undefined } {
  const login = Provider.ctx?.oidc.result?.login;
  if (login === undefined) return { generation: undefined, upstream: undefined };
  const { generation, upstream } = login as {
    readonly generation?: Generation;
    readonly upstream?: string;
  };
  if (generation === undefined) throw new Error('a sign-in without the generation of its user');
  return { generation, upstream };
}

async function save(db: Kysely<StsSchema>, row: OidcRecordTable): Promise<void> {
  const { model: _model, id: _id, consumed_at: _consumedAt, ...changed } = row;
  await db
    .insertInto('oidc_records')
    .values(row)
    .onConflict((conflict) => conflict.columns(['model', 'id']).doUpdateSet(changed))
    .execute();
}

function storedId(id: string): string {
  return id.startsWith(STORED_ID) ? id.slice(STORED_ID.length) : digestOf(id);
}

/**
 * The key that seals a record whose payload repeats its own id or another bearer value: it is derived from the id (HKDF),
 * which the database has as a digest only, so the database alone opens nothing.
 */
function keyUnder(id: string): Buffer {
  return Buffer.from(hkdfSync('sha256', id, '', 'sealed oidc-provider record', 32));
}

/** Undoes `consume`. Not checked: whether anything was handed out for it; the caller knows that nothing was. */
export async function unconsumeRecord(db: Kysely<StsSchema>, model: string, id: string): Promise<void> {
  await db
    .updateTable('oidc_records')
    .set({ consumed_at: null })
    .where('model', '=', model)
    .where('id', '=', digestOf(id))
    .execute();
}
