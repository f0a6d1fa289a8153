import { presentBody } from '@behalf/extension-grants';
import type { RequestHandler } from 'express';
import type { ResourceRegistry } from '../registry/resources.ts';

const GRANTS = new Set(['authorization_code', 'refresh_token']);

/**
 * `scope` on a code or refresh request names scopes of one API only, and that API is then the token's: the engine alone
 * would give a token without an audience, or one for another `resource` without any scope. Runs behind the guard that
 * has read the body, and hands it on with the `resource` that the scopes stand for.
 */
export function resourceOfRequestedScopes(resources: ResourceRegistry): RequestHandler {
  return (request, response, next) => {
    const body: unknown = request.body;
    if (!Buffer.isBuffer(body)) return next();
    // It drops one leading `?`, which a body may begin with, so it gets one to drop.
    const form = new URLSearchParams(`?${body.toString('utf8')}`);
    const owners = ownersOf(form.get('scope') ?? '', resources);
    if (!GRANTS.has(form.get('grant_type') ?? '') || owners.length === 0) return next();

    const [owner = '', other] = owners;
    const named = form.getAll('resource').filter((value) => value !== '');
    const fault =
      other !== undefined
        ? { error: 'invalid_scope', error_description: 'the scopes belong to different APIs' }
        : named.some((resource) => resource !== owner)
          ? { error: 'invalid_target', error_description: 'resource and scope name different APIs' }
          : undefined;
    if (fault !== undefined) {
      response.status(400).set('Cache-Control', 'no-store').json(fault);
      return;
    }
    if (named.length === 0) form.append('resource', owner);
    presentBody(request, Buffer.from(form.toString()));
    next();
  };
}

function ownersOf(scope: string, resources: ResourceRegistry): string[] {
  const owners = scope.split(' ').map((value) => resources.ownerOf(value)?.identifier);
  return [...new Set(owners.filter((owner) => owner !== undefined))];
}
