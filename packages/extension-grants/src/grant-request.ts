import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { ExtensionGrantRequest } from './contract.ts';

export type RawParameters = ExtensionGrantRequest['raw'];

const MAY_REPEAT: readonly string[] = ['audience', 'resource'];
const CREDENTIALS: readonly string[] = ['client_secret', 'client_assertion', 'client_assertion_type'];

/**
 * The form of a token request, from the engine, without client credentials. Empty parameters are absent (RFC 6749 §3.1).
 */
export function rawParametersOf(ctx: TokenEndpointGrantContext): RawParameters {
  const form = Object.entries(ctx.oidc.body ?? {}).flatMap(([name, value]) => {
    if (CREDENTIALS.includes(name)) return [];
    const values = [value].flat().filter((item): item is string => typeof item === 'string' && item !== '');
    const [first] = values;
    if (first === undefined) return [];
    return [[name, values.length === 1 ? first : values] as const];
  });
  return Object.assign(Object.create(null) as Record<string, string | string[]>, Object.fromEntries(form));
}

/** The name of a parameter that was sent twice and may not be (RFC 6749 §3.2). */
export function repeatedParameter(raw: RawParameters): string | undefined {
  return Object.keys(raw).find((name) => typeof raw[name] !== 'string' && !MAY_REPEAT.includes(name));
}

/** The value of a parameter, or the first of several. */
export function firstValueOf(raw: RawParameters, name: string): string | undefined {
  const value = raw[name];
  return typeof value === 'string' ? value : value?.[0];
}
