import type { ClientGrant, SubjectGrant } from './contract.ts';
import { RefusedGrant } from './engine-error.ts';
import type { Issuing } from './issuing.ts';
import { refuse } from './results.ts';

/** The result's scopes and API, else those requested. Both must be right by now: here nothing is narrowed or refused. */
export function targetOf(
  result: SubjectGrant | ClientGrant,
  { requested, targets, client }: Issuing,
): { readonly scopes: readonly string[]; readonly target: string } {
  const scopes = [...new Set(result.scopes ?? requested.scopes)];
  const [firstScope] = scopes;
  const target =
    result.target ?? requested.target ?? (firstScope === undefined ? undefined : targets.ownerOf(firstScope));
  if (target === undefined) throw new RefusedGrant(refuse('invalid_scope', 'the request names no scope'));
  if (targets.resolve(target) !== target)
    throw new TypeError('the result has a target that is no resource identifier');
  for (const scope of scopes) {
    if (targets.ownerOf(scope) !== target)
      throw new TypeError(`the result has the scope ${scope} of another API`);
    if (!client.scopes.includes(scope))
      throw new TypeError(`the client is not registered for the scope ${scope}`);
  }
  return { scopes, target };
}
