import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { registrationFaults } from '../registry/client-faults.ts';
import type { ClientRegistration } from '../registry/clients.ts';
import { type Command, type CommandContext, CommandError, oneName } from './command.ts';

/** NIST SP 800-63B §3.1.1.2; in development any password will do. */
const MINIMUM_PASSWORD_LENGTH = 8;

/** `user add|password|disable|enable <name>`, `user link <name> <issuer> <sub>`. A password is asked for, never an argument. */
export const user: Command = async ([action = '', ...args], context) => {
  if (action === 'link') return link(args, context);
  const name = oneName(args, 'user');
  const { users } = context.state;
  switch (action) {
    case 'add': {
      if ((await users.findByName(name)) !== undefined) throw taken(name);
      const added = await users.add({ name, password: await newPassword(context) });
      if (added === undefined) throw taken(name);
      return context.print(`added ${name}, sub ${added.id}`);
    }
    case 'password':
      return done(
        await users.setPassword(name, await newPassword(context)),
        `the password of ${name} is changed, all sessions have ended`,
      );
    case 'disable':
      return done(await users.setDisabled(name, true), `${name} is disabled, all sessions have ended`);
    case 'enable':
      return done(await users.setDisabled(name, false), `${name} is enabled`);
    default:
      throw new CommandError('user add|password|disable|enable <name>');
  }

  function done(found: boolean, text: string): void {
    if (!found) throw new CommandError(`there is no user ${name}`);
    context.print(text);
  }
};

async function link(args: readonly string[], { state, print }: CommandContext): Promise<void> {
  const [name, issuer, subject, more] = args;
  if (name === undefined || issuer === undefined || subject === undefined || more !== undefined) {
    throw new CommandError('user link <name> <issuer> <sub>');
  }
  if (!(await state.people.link(name, issuer, subject))) {
    throw new CommandError(`there is no user ${name}, or that person is linked already`);
  }
  print(`${name} may sign in as ${subject} of ${issuer}`);
}

function taken(name: string): CommandError {
  return new CommandError(`there is a user ${name} already`);
}

async function newPassword({ askSecret, isProduction }: CommandContext): Promise<string> {
  const password = await askSecret('Password: ');
  const minimum = isProduction ? MINIMUM_PASSWORD_LENGTH : 1;
  if (password.length < minimum) throw new CommandError(`a password has at least ${minimum} characters`);
  return password;
}

const DAY_SECONDS = 24 * 3600;

/**
 * `client add <id> …`, `client secret <id> [--days n]`, `client retire-secrets <id>`, `client disable|enable <id>`. A
 * secret is generated, shown once and kept as a hash. Earlier secrets stay good, so that a client can change over without
 * a gap, until all but the one that is asked for are retired. A registration that could not work adds nothing.
 */
export const client: Command = async ([action = '', ...args], context) => {
  switch (action) {
    case 'add':
      return add(args, context);
    case 'secret':
      return addSecret(args, context);
    case 'retire-secrets':
      return retireSecrets(oneName(args, 'client'), context);
    case 'disable':
    case 'enable': {
      const id = oneName(args, 'client');
      if (!(await context.state.clients.setDisabled(id, action === 'disable'))) throw unknown(id);
      return context.print(`${id} is ${action}d`);
    }
    default:
      throw new CommandError('client add|secret|retire-secrets|disable|enable <id>');
  }
};

async function add(args: readonly string[], context: CommandContext): Promise<void> {
  const { registration, hasSecret } = await parseRegistration(args);
  const { id } = registration;
  const { clients, users } = context.state;
  if ((await clients.find(id)) !== undefined) throw new CommandError(`there is a client ${id} already`);
  const faults = [
    ...registrationFaults(registration, { apis: context.registry.apis, permitsPlainHttp: false }),
    ...((await users.findById(id)) === undefined ? [] : ['its id is the sub of a user']),
  ];
  if (faults.length > 0) throw new CommandError(`${id} is not added:\n  ${faults.join('\n  ')}`);
  await clients.upsert(registration);
  context.print(`added ${id}`);
  if (hasSecret) await printNewSecret(id, null, context);
}

async function parseRegistration(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      grant: { type: 'string', multiple: true, default: [] },
      scope: { type: 'string', multiple: true, default: [] },
      'openid-scope': { type: 'string', multiple: true, default: [] },
      'redirect-uri': { type: 'string', multiple: true, default: [] },
      'post-logout-redirect-uri': { type: 'string', multiple: true, default: [] },
      'backchannel-logout-uri': { type: 'string' },
      public: { type: 'boolean', default: false },
      jwks: { type: 'string' },
      'jwks-uri': { type: 'string' },
      'require-par': { type: 'boolean', default: false },
      'dpop-bound': { type: 'boolean', default: false },
      'third-party': { type: 'boolean', default: false },
    },
  });
  const id = oneName(positionals, 'client');
  const { jwks, 'jwks-uri': jwksUri, 'backchannel-logout-uri': logoutUri } = values;
  const hasKeys = jwks !== undefined || jwksUri !== undefined;
  if (values.public && hasKeys) throw new CommandError('a public client has no keys');
  const registration: ClientRegistration = {
    id,
    firstParty: !values['third-party'],
    scopes: values.scope,
    metadata: {
      client_id: id,
      client_name: values.name ?? id,
      token_endpoint_auth_method: values.public
        ? 'none'
        : hasKeys
          ? 'private_key_jwt'
          : 'client_secret_basic',
      ...(hasKeys ? { token_endpoint_auth_signing_alg: 'ES256' } : {}),
      ...(jwks === undefined ? {} : { jwks: await readJwks(jwks) }),
      ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
      grant_types: values.grant,
      response_types: values.grant.includes('authorization_code') ? ['code'] : [],
      redirect_uris: values['redirect-uri'],
      post_logout_redirect_uris: values['post-logout-redirect-uri'],
      ...(values['openid-scope'].length > 0 ? { scope: values['openid-scope'].join(' ') } : {}),
      ...(values['require-par'] ? { require_pushed_authorization_requests: true } : {}),
      ...(values['dpop-bound'] ? { dpop_bound_access_tokens: true } : {}),
      ...(logoutUri === undefined
        ? {}
        : { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true }),
    },
  };
  return { registration, hasSecret: !values.public && !hasKeys };
}

/** A JWK set, or one JWK, of public keys. */
async function readJwks(file: string): Promise<unknown> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Readonly<Record<string, unknown>>;
    return Array.isArray(value['keys']) ? value : { keys: [value] };
  } catch {
    throw new CommandError(`${file} is no JSON file that can be read`);
  }
}

async function addSecret(args: readonly string[], context: CommandContext): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { days: { type: 'string' } },
  });
  const id = oneName(positionals, 'client');
  if ((await context.state.clients.find(id)) === undefined) throw unknown(id);
  const days = values.days === undefined ? undefined : Number(values.days);
  if (days !== undefined && !(Number.isInteger(days) && days > 0)) {
    throw new CommandError('--days is a whole number of days');
  }
  await printNewSecret(id, days === undefined ? null : context.now() + days * DAY_SECONDS, context);
}

async function retireSecrets(id: string, { state, askSecret, now, print }: CommandContext): Promise<void> {
  if ((await state.clients.find(id)) === undefined) throw unknown(id);
  const kept = await askSecret('The secret that stays: ');
  if (!(await state.clients.revokeOtherSecrets(id, kept, now()))) {
    throw new CommandError(`that is not a secret of ${id}: nothing has changed`);
  }
  print(`every other secret of ${id} is refused from now on`);
}

async function printNewSecret(id: string, expiresAt: number | null, context: CommandContext): Promise<void> {
  const secret = randomBytes(32).toString('base64url');
  await context.state.clients.addSecret(id, secret, expiresAt);
  context.print(`secret (shown this once): ${secret}`);
}

function unknown(id: string): CommandError {
  return new CommandError(`there is no client ${id}`);
}
