import type { KoaContextWithOIDC } from 'oidc-provider';

const PUBLIC_DOCUMENTS = '/.well-known/';

/**
 * The engine lets pages of every origin read its answers, and says `*` to a request without one. Who may read ours is
 * decided in front of it, for one exact origin; what the engine adds by itself is taken away again. Discovery and keys
 * are public: any page may read those.
 */
export async function withoutForeignOrigins(
  ctx: KoaContextWithOIDC,
  next: () => Promise<void>,
): Promise<void> {
  const isDecided = ctx.res.hasHeader('Access-Control-Allow-Origin');
  await next();
  if (isDecided || ctx.path.toLowerCase().startsWith(PUBLIC_DOCUMENTS)) return;
  for (const name of Object.keys(ctx.response.headers)) {
    if (name.toLowerCase().startsWith('access-control-')) ctx.remove(name);
  }
}
