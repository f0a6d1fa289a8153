import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** A second OpenID provider, where every sign-in succeeds at once as `person`. */
export interface UpstreamProvider {
  readonly issuer: string;
  person: string;
  /** Epoch seconds; undefined: now. */
  signedInAt: number | undefined;
  /** The queries of its authorization requests. */
  readonly requests: readonly URLSearchParams[];
  close(): Promise<void>;
}

export const UPSTREAM_SECRET = 'the secret of behalf there';

/** `relyingParties`: the addresses of the servers under test, once they are known; the first is told of logouts. */
export async function startUpstream(relyingParties: () => readonly string[]): Promise<UpstreamProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let provider: Provider | undefined;
  const make = () =>
    new Provider(issuer, {
      clients: [
        {
          client_id: 'behalf',
          client_secret: UPSTREAM_SECRET,
          token_endpoint_auth_method: 'client_secret_post',
          redirect_uris: relyingParties().map((address) => `${address}/upstream/callback`),
          backchannel_logout_uri: `${relyingParties()[0]}/upstream/backchannel-logout`,
          backchannel_logout_session_required: true,
        },
      ],
      cookies: { keys: ['a key'] },
      features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
      claims: { openid: ['sub', 'amr'], profile: ['name'], email: ['email'] },
      conformIdTokenClaims: false,
      findAccount: (_ctx, id) => ({
        accountId: id,
        claims: () => ({ sub: id, name: `${id} of the upstream`, email: 'alice@behalf.example' }),
      }),
      interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
      async loadExistingGrant({ oidc }) {
        const { client, session } = oidc;
        const grant = new oidc.provider.Grant({
          clientId: client?.clientId ?? '',
          accountId: session?.accountId ?? '',
        });
        grant.addOIDCScope('openid profile email');
        await grant.save();
        return grant;
      },
      // Its own guard refuses this machine.
      fetch: (url, { dispatcher: _dispatcher, ...options }: RequestInit & { dispatcher?: unknown } = {}) =>
        fetch(url, options),
    });
  const requests: URLSearchParams[] = [];
  const self: UpstreamProvider = {
    issuer,
    person: 'erin',
    signedInAt: undefined,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('request', (request, response) => {
    provider ??= make();
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer);
    if (pathname === '/auth') requests.push(searchParams);
    if (!pathname.startsWith('/interaction/')) return void provider.callback()(request, response);
    const ts = self.signedInAt ?? Math.floor(Date.now() / 1000);
    void provider.interactionFinished(request, response, {
      login: { accountId: self.person, amr: ['pwd', 'otp'], ts },
    });
  });
  return self;
}
