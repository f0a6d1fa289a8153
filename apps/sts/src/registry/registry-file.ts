import { z } from 'zod';
import { GRANT_TYPES } from './clients.ts';

/**
 * The registry as one JSON file (`REGISTRY_FILE`), in place of the tables of this folder and of the same shape. The server's
 * own API is never in it, and no secret ever is.
 */

const name = z.string().min(1).max(200);

const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'is no scope (RFC 6749 §3.3)');

const identifier = z
  .string()
  .refine((text) => URL.canParse(text) && !text.includes('#'), 'is no absolute URI without a fragment');

const api = z.strictObject({
  name: name.describe('What the audience parameter and the delegation policy call it.'),
  identifier: identifier.describe('Resource identifier (RFC 8707): the aud of its tokens.'),
  aliases: z.array(identifier).exactOptional().describe('Other resource identifiers of the same API.'),
  scopes: z.array(scope).describe('A scope belongs to exactly one API.'),
  subjects: z
    .record(scope, z.enum(['user', 'client']))
    .exactOptional()
    .describe('Whose tokens may have a scope. One that is not named is for users and clients.'),
  clients: z
    .array(z.strictObject({ id: name, rights: z.array(z.enum(['exchange', 'introspect'])) }))
    .describe('The clients that act for this API.'),
});

const client = z.strictObject({
  id: name,
  firstParty: z.boolean().describe('A first-party client skips the consent page.'),
  scopes: z.array(scope).describe('The API scopes that it may ask for.'),
  metadata: z
    .record(z.string(), z.unknown())
    .refine((metadata) => !('client_secret' in metadata), {
      error: 'has a secret: the command "client secret <id>" makes one, and shows it once',
    })
    .describe('RFC 7591 names, without client_id and without secrets.'),
});

const OAUTH_GRANTS = ['authorization_code', 'refresh_token', 'client_credentials'];

const exchanges = GRANT_TYPES.filter((grant) => !OAUTH_GRANTS.includes(grant));

const rule = z.strictObject({
  actor: name.describe('The client that acts.'),
  subjectToken: z.union([
    z.strictObject({ api: name, scope, subject: z.literal('client').exactOptional() }),
    z.strictObject({ issuer: identifier }),
  ]),
  to: name.describe('The API that the new token is for.'),
  by: z.array(z.enum(exchanges)).min(1),
  scopes: z.array(scope).min(1).describe('The most that the new token may have.'),
  maximumDepth: z.int().min(1).max(16).describe('How many actors the act claim may name.'),
  requireDpop: z.boolean().exactOptional(),
});

const trustedIssuer = z.strictObject({
  issuer: identifier,
  keys: z.union([
    z.strictObject({
      kind: z.literal('static'),
      jwks: z.strictObject({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) }),
    }),
    z.strictObject({ kind: z.literal('remote'), jwksUri: identifier }),
  ]),
  audience: name.describe('The only audience that its tokens may have.'),
  algorithms: z.array(z.enum(['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'])).min(1),
  subjects: z.record(z.string(), name).describe('Its sub: the sub of a user of this server.'),
  maximumAgeSeconds: z.int().min(1).max(3600),
  requiredClaims: z
    .array(z.string())
    .refine(
      (claims) => ['iss', 'aud', 'sub', 'azp', 'iat', 'exp', 'jti'].every((one) => claims.includes(one)),
      'lacks one of iss, aud, sub, azp, iat, exp and jti',
    ),
});

const registryFile = z.strictObject({
  $schema: z.string().exactOptional(),
  apis: z.array(api),
  clients: z.array(client),
  delegationPolicy: z.array(rule),
  trustedIssuers: z.array(trustedIssuer),
});

export type RegistryFile = z.output<typeof registryFile>;

/** `REGISTRY`, or best `REGISTRY_FILE`: every fault of its form, each with the place where it stands. */
export const registrySetting = z
  .string()
  .transform((text, context) => {
    const parsed = registryFile.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues) {
      context.addIssue(path.length === 0 ? message : `${path.join('.')}: ${message}`);
    }
    return z.NEVER;
  })
  .optional();

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** For editors: `registry.schema.json`. */
export function registryJsonSchema(): unknown {
  return { title: 'The registry of the STS', ...z.toJSONSchema(registryFile) };
}
