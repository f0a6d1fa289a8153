import type { AccessTokenVerifier } from '@behalf/auth';
import { requireAccessToken, requireScope, requireUser } from '@behalf/auth/express';
import { allowOnly, apiHeaders, jsonBody, problem } from '@behalf/service';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Api, ApiRegistry } from '../registry/apis.ts';
import type { DelegationPolicy, DelegationRule } from '../registry/delegation-policy.ts';
import { dryRun, type DryRun } from '../registry/dry-run.ts';
import { DEMO_USERS } from '../registry/users-and-issuers.ts';
import type { ClientStore } from '../state/clients.ts';

export interface PolicyRouteParts {
  /** For tokens whose audience is the issuer itself. */
  readonly verifier: AccessTokenVerifier;
  readonly policy: DelegationPolicy;
  readonly apis: ApiRegistry;
  readonly clients: Pick<ClientStore, 'find'>;
  /** Whether there are the demo users. */
  readonly demo: boolean;
}

const name = z.string().min(1).max(200);
const names = z.array(name).max(16);

const question = z.strictObject({
  actor: name,
  grant_type: name,
  subject_token: z.strictObject({
    audience: name,
    /** Whose token it is: a user's, or a client's own. */
    subject: z.enum(['user', 'client']).default('user'),
    scopes: names,
    /** The current actor first. */
    actors: names,
    /** `sub` of `may_act`. */
    may_act: name.nullable(),
  }),
  audience: name.nullable(),
  scopes: names,
});

/**
 * `GET /policy`: the delegation policy with the APIs and clients that it names. `POST /policy`: whether one exchange would
 * be allowed, and what each row of the policy says of it. The answer follows from the request and the registry alone: no
 * token is presented, issued or recorded.
 */
export function policyRoutes(parts: PolicyRouteParts): Router {
  const { policy, apis } = parts;
  const routes = Router({ caseSensitive: true, strict: true });
  const forUsers: readonly RequestHandler[] = [
    apiHeaders,
    requireAccessToken(parts.verifier, { dpop: {} }),
    requireScope('account'),
    requireUser(),
  ];

  routes.get('/policy', ...forUsers, async (_request, response) => {
    const ids = new Set([...policy.map(({ actor }) => actor), 'web.client', 'machine.client']);
    const found = await Promise.all([...ids].map((id) => parts.clients.find(id)));
    response.json({
      rules: policy.map(ruleBody),
      apis: apis.all.map(apiBody),
      clients: found.flatMap((client) =>
        client === undefined ? [] : [{ id: client.id, scopes: client.scopes }],
      ),
      users: (parts.demo ? DEMO_USERS : []).map((user) => ({
        name: user.name,
        may_act: typeof user.mayAct?.['sub'] === 'string' ? user.mayAct['sub'] : null,
      })),
    });
  });

  routes.post('/policy', ...forUsers, jsonBody(), async (request, response) => {
    const asked = question.safeParse(request.body);
    if (!asked.success) throw malformed('The question has another form.');
    const { actor: id, subject_token: token, audience, scopes } = asked.data;
    const actor = await parts.clients.find(id);
    const from = apis.find(token.audience);
    const target = audience === null ? undefined : apis.find(audience);
    if (from === undefined || (audience !== null && target === undefined))
      throw malformed('There is no such API.');
    const decide = (rules: DelegationPolicy): DryRun =>
      dryRun({
        policy: rules,
        apis,
        grantType: asked.data.grant_type,
        actor: { id, scopes: actor?.scopes ?? [] },
        subjectToken: {
          audience: from.identifier,
          subject: token.subject,
          scopes: token.scopes,
          actors: token.actors,
          ...(token.may_act === null ? {} : { mayAct: { sub: token.may_act } }),
        },
        target: target?.identifier,
        scopes,
        hasDpopProof: false,
      });
    const decision = decide(policy);
    response.json({
      decision: decisionBody(decision),
      rule: decision.ok ? policy.indexOf(decision.rule) : null,
      rules: policy.map((rule) => decisionBody(decide([rule]))),
    });
  });
  routes.all('/policy', allowOnly('GET', 'POST'));
  return routes;
}

function decisionBody(decision: DryRun) {
  if (!decision.ok) {
    const { by, fault, description } = decision;
    return { allowed: false, by, fault, description };
  }
  const { scopes, target, actors } = decision;
  return { allowed: true, audience: target, scopes, actors };
}

function ruleBody(rule: DelegationRule) {
  return {
    actor: rule.actor,
    subject_token: rule.subjectToken,
    to: rule.to,
    by: rule.by,
    scopes: rule.scopes,
    maximum_depth: rule.maximumDepth,
    require_dpop: rule.requireDpop === true,
  };
}

function apiBody({ name: short, identifier, scopes, clients }: Api) {
  const exchangers = clients.filter(({ rights }) => rights.includes('exchange')).map(({ id }) => id);
  return { name: short, identifier, scopes, exchangers };
}

function malformed(detail: string) {
  return problem({ status: 400, type: 'invalid-request', detail });
}
