import { describe, expect, test } from 'vitest';
import { type RequestedTargetOptions, resolveRequestedTarget } from '../src/requested-target.ts';
import { BILLING, ORDERS, TARGETS } from './support/server.ts';

const resolve = (request: Partial<RequestedTargetOptions>) =>
  resolveRequestedTarget({
    apis: TARGETS,
    clientScopes: ['orders.read', 'orders.write', 'billing'],
    scope: undefined,
    ...request,
  });

describe('granted', () => {
  test.each<[string, Partial<RequestedTargetOptions>, readonly string[], string | undefined]>([
    ['nothing asked', {}, [], undefined],
    ['scopes name their API', { scope: 'orders.read orders.write' }, ['orders.read', 'orders.write'], ORDERS],
    ['a repeated scope counts once (RFC 6749 §3.3)', { scope: 'billing  billing' }, ['billing'], BILLING],
    ['an audience by its short name', { audience: 'orders' }, [], ORDERS],
    ['a resource by its identifier (RFC 8707 §2)', { resource: ORDERS }, [], ORDERS],
    ['several names of one API', { audience: ['orders', ORDERS], resource: [ORDERS] }, [], ORDERS],
    [
      'all of them in agreement',
      { scope: 'billing', audience: 'billing', resource: BILLING },
      ['billing'],
      BILLING,
    ],
    ['empty is absent (RFC 6749 §3.1)', { scope: '', audience: '', resource: ['', ''] }, [], undefined],
    ['the empty path that URL libraries write (RFC 3986 §6.2.3)', { resource: `${ORDERS}/` }, [], ORDERS],
  ])('%s', (_, request, scopes, target) => {
    expect(resolve(request)).toEqual({ ok: true, scopes, target });
  });
});

describe('refused', () => {
  test.each<[string, Partial<RequestedTargetOptions>, string]>([
    ['an unknown scope', { scope: 'orders.read nothing' }, 'invalid_scope'],
    ['a scope of no API where none is expected', { scope: 'openid' }, 'invalid_scope'],
    ['scopes of two APIs', { scope: 'orders.read billing' }, 'invalid_scope'],
    ['a scope not registered for the client', { scope: 'orders.admin' }, 'invalid_scope'],
    ['an unknown audience', { audience: 'nothing' }, 'invalid_target'],
    ['an unknown one among known ones', { audience: ['orders', 'nothing'] }, 'invalid_target'],
    ['a short name as resource (RFC 8707 §2)', { resource: 'orders' }, 'invalid_target'],
    ['a resource with a fragment (RFC 8707 §2)', { resource: `${ORDERS}#x` }, 'invalid_target'],
    ['a resource with a path of its own', { resource: `${ORDERS}//` }, 'invalid_target'],
    ['two audiences', { audience: ['orders', 'billing'] }, 'invalid_target'],
    ['two resources', { resource: [ORDERS, BILLING] }, 'invalid_target'],
    ['audience against resource', { audience: 'orders', resource: BILLING }, 'invalid_target'],
    ['audience against scope', { scope: 'billing', audience: 'orders' }, 'invalid_target'],
    ['scope before target, when both are wrong', { scope: 'nothing', audience: 'nothing' }, 'invalid_scope'],
  ])('%s: %s', (_, request, error) => {
    expect(resolve(request)).toMatchObject({ ok: false, refusal: { error, reason: 'policy' } });
  });
});
