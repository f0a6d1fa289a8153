import type { Logger } from '@behalf/service';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { sessionIdOf } from '../storage/digest.ts';
import { browserName } from './browser-name.ts';

export interface NoteBrowserPorts {
  readonly noteBrowser: (session: string, browser: string) => Promise<void>;
  readonly logger: Logger;
}

/** Notes at each sign-in which browser it was. Nothing depends on it, so a failure is logged and the sign-in goes on. */
export function noteBrowserOfSignIn({ noteBrowser, logger }: NoteBrowserPorts) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    // No route of the engine's matched: there is no OpenID context.
    const oidc: KoaContextWithOIDC['oidc'] | undefined = ctx.oidc;
    if (oidc?.route !== 'resume' || oidc.result?.login === undefined || oidc.session === undefined) return;
    const browser = browserName(ctx.get('user-agent'));
    if (browser === undefined) return;
    try {
      await noteBrowser(sessionIdOf(oidc.session.uid), browser);
    } catch (error) {
      logger.warn({ err: error }, 'the browser of a sign-in could not be noted');
    }
  };
}
