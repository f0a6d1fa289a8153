import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { saveLogin } from './revocation.ts';
import { digestOf, type OidcRecordTable, sessionIdOf, type StsSchema } from './schema.ts';

/** Found by `session.uid` a session has no clear id; this stands in for it and finds nothing by itself. */
const STORED_ID = 'stored:';

/** An interaction repeats its own id in `returnTo`, and the session cookie. */
const SEALED_MODELS = new Set(['Interaction']);

const GRANTABLE_MODELS = new Set([
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
  'PreAuthorizedCode',
]);

export interface OidcAdapterOptions {
  readonly db: Kysely<StsSchema>;
  /** Name of oidc-provider's model. */
  readonly model: string;
  /** Epoch seconds. */
  readonly now: () => number;
  /** Ends a client's grant with everything that hangs from it. */
  readonly endGrant: (grantId: string) => Promise<void>;
}

/**
 * One of oidc-provider's models in the database. A record whose grant or login session has ended is not found, even if it
 * was saved after that end. Expired records may still be found (oidc-provider checks `exp`) until they are swept.
 */
export class OidcAdapter implements Adapter {
  readonly #db: Kysely<StsSchema>;
  readonly #model: string;
  readonly #now: () => number;
  readonly #endGrant: (grantId: string) => Promise<void>;

  constructor(options: OidcAdapterOptions) {
    this.#db = options.db;
    this.#model = options.model;
    this.#now = options.now;
    this.#endGrant = options.endGrant;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const row = this.#rowOf(id, payload, expiresIn);
    if (this.#model !== 'Session' || payload.accountId === undefined || row.session === null) {
      return save(this.#db, row);
    }
    const login = {
      session: row.session,
      subject: payload.accountId,
      signedInAt: payload.loginTs ?? this.#now(),
      expiresAt: row.expires_at ?? this.#now(),
    };
    await this.#db.transaction().execute(async (transaction) => {
      await saveLogin(transaction, login);
      await save(transaction, row);
    });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const row = await this.#holding().where('oidc_records.id', '=', digestOf(id)).executeTakeFirst();
    return row === undefined ? undefined : this.#payloadOf(row, id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const row = await this.#holding().where('uid', '=', uid).executeTakeFirst();
    return row === undefined ? undefined : this.#payloadOf(row, `${STORED_ID}${row.id}`);
  }

  /** The device flow is switched off. */
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
    const row = await this.#row(id);
    if (row?.grant_id != null && GRANTABLE_MODELS.has(this.#model)) await this.revokeByGrantId(row.grant_id);
    if (this.#model === 'PushedAuthorizationRequest') {
      throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
    }
    throw new errors.InvalidGrant('already used');
  }

  /** Destroying a grant ends it. Destroying a session is no logout: oidc-provider does so when it changes a session's id. */
  async destroy(id: string): Promise<void> {
    if (this.#model === 'Grant') await this.revokeByGrantId(id);
    await this.#db
      .deleteFrom('oidc_records')
      .where('model', '=', this.#model)
      .where('id', '=', storedId(id))
      .execute();
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#endGrant(grantId);
  }

  #row(id: string) {
    return this.#db
      .selectFrom('oidc_records')
      .selectAll()
      .where('model', '=', this.#model)
      .where('id', '=', storedId(id))
      .executeTakeFirst();
  }

  #holding() {
    return this.#db
      .selectFrom('oidc_records')
      .leftJoin('logins', 'logins.session', 'oidc_records.session')
      .leftJoin('grant_ends', 'grant_ends.grant_id', 'oidc_records.grant_id')
      .leftJoin('global_revocation', (join) => join.onTrue())
      .selectAll('oidc_records')
      .where('model', '=', this.#model)
      .where('logins.ended_at', 'is', null)
      .where('grant_ends.ended_at', 'is', null)
      .where((where) =>
        where.or([
          where('logins.signed_in_at', 'is', null),
          where('global_revocation.not_before', 'is', null),
          where('logins.signed_in_at', '>=', where.ref('global_revocation.not_before')),
        ]),
      );
  }

  #rowOf(id: string, payload: AdapterPayload, expiresIn: number | undefined): OidcRecordTable {
    // The id stands in the database as a digest only; what reads the record puts it back.
    const { jti: _jti, consumed: _consumed, ...kept } = payload;
    const { uid } = payload;
    const text = JSON.stringify(kept);
    const sessionUid = this.#model === 'Session' ? uid : payload.sessionUid;
    const grantId =
      this.#model === 'Grant' ? id : GRANTABLE_MODELS.has(this.#model) ? payload.grantId : undefined;
    return {
      model: this.#model,
      id: storedId(id),
      payload: SEALED_MODELS.has(this.#model) ? sealUnderId(id, text) : text,
      grant_id: grantId ?? null,
      session: sessionUid === undefined ? null : sessionIdOf(sessionUid),
      uid: uid ?? null,
      expires_at: expiresIn === undefined ? null : this.#now() + expiresIn,
      consumed_at: null,
    };
  }

  #payloadOf(row: OidcRecordTable, id: string): AdapterPayload {
    const text = SEALED_MODELS.has(this.#model) ? unsealUnderId(id, row.payload) : row.payload;
    const payload = JSON.parse(text) as AdapterPayload;
    return { ...payload, jti: id, ...(row.consumed_at === null ? {} : { consumed: row.consumed_at }) };
  }
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
 * Seals a record under the very id that it is found by (AES-256-GCM, HKDF-SHA-256). Whoever has only the database, where
 * the id stands as a digest, reads nothing of it. For records whose payload repeats their own id or another bearer value.
 */
export function sealUnderId(id: string, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(id), nonce);
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64url');
}

/** Throws when the text was not sealed under this id. */
export function unsealUnderId(id: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(id), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
}

function keyOf(id: string): Buffer {
  return Buffer.from(hkdfSync('sha256', id, '', 'sealed engine record', 32));
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
