import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ResourceRegistry } from '../registry/resources.ts';

/** Adds to the engine's discovery document (RFC 8414) what it cannot know: the APIs' scopes and the APIs (RFC 9728 §4). */
export function describeTruly(resources: ResourceRegistry) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    if (oidc?.route !== 'discovery' || ctx.status !== 200) return;
    const document = ctx.body as { scopes_supported?: readonly string[] };
    ctx.body = {
      ...document,
      scopes_supported: [
        ...(document.scopes_supported ?? []),
        ...resources.all.flatMap(({ scopes }) => scopes),
      ],
      protected_resources: resources.all.map(({ identifier }) => identifier),
    };
  };
}
