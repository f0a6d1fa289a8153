import { parseArgs } from 'node:util';
import type { SubjectToken } from '@behalf/extension-grants';
import { decideDelegation } from '../registry/decide-delegation.ts';
import { DELEGATION_POLICY } from '../registry/delegation-policy.ts';
import { CommandError, type Command, type CommandContext } from './context.ts';

const USAGE =
  'policy check --actor <client> --grant <grant type> --from <api> [--having <scope> …] [--to <api>] [--scope <scope> …] [--chain <client> …] [--dpop]';

/** `policy check …`: what the delegation policy would decide, without a token and without issuing anything. */
export const policy: Command = async ([action, ...args], context) => {
  if (action !== 'check') throw new CommandError(USAGE);
  const { values } = parseArgs({
    args,
    options: {
      actor: { type: 'string' },
      grant: { type: 'string', default: 'delegation' },
      from: { type: 'string' },
      having: { type: 'string', multiple: true },
      to: { type: 'string' },
      scope: { type: 'string', multiple: true, default: [] },
      chain: { type: 'string', multiple: true, default: [] },
      dpop: { type: 'boolean', default: false },
    },
  });
  const { resources } = context.registry;
  if (values.actor === undefined || values.from === undefined) throw new CommandError(USAGE);
  const actor = await context.state.clients.find(values.actor);
  if (actor === undefined) throw new CommandError(`there is no client ${values.actor}`);
  const from = resources.find(values.from);
  if (from === undefined) throw new CommandError(`there is no API ${values.from}`);
  const target = values.to === undefined ? undefined : resources.find(values.to)?.identifier;
  if (values.to !== undefined && target === undefined) throw new CommandError(`there is no API ${values.to}`);

  const decision = decideDelegation({
    policy: DELEGATION_POLICY,
    resources,
    grantType: values.grant,
    actor: { id: actor.id, scopes: actor.scopes },
    subjectToken: exampleToken(from.identifier, values.having ?? from.scopes, values.chain, context),
    requested: {
      scopes: values.scope,
      target: target ?? resources.ownerOf(values.scope[0] ?? '')?.identifier,
      targetIsNamed: target !== undefined,
    },
    hasDpopProof: values.dpop,
  });
  context.print(
    decision.ok
      ? `permitted: a token for ${decision.target} with ${decision.scopes.join(' ')}`
      : `refused (${decision.fault}): ${decision.description}`,
  );
};

/** A token as it would be presented; the policy looks at nothing but its audience, scopes and chain. */
function exampleToken(
  audience: string,
  scopes: readonly string[],
  actorChain: readonly string[],
  { now }: CommandContext,
): SubjectToken {
  return {
    kind: 'access_token',
    subject: 'example',
    jti: 'example',
    expiresAt: now() + 300,
    issuer: 'example',
    audience,
    clientId: 'example',
    scopes,
    act: undefined,
    actorChain,
    mayAct: undefined,
    sessionId: undefined,
    authTime: undefined,
    authenticationMethods: undefined,
    confirmation: undefined,
    claims: {},
  };
}
