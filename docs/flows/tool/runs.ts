import { ageSignIns, signInOverHttp } from '@behalf/scripts/system';
import type { Run } from './world.ts';

const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** The flows, by the name of their page in docs/flows. */
export const RUNS: Readonly<Record<string, Run>> = {
  'sign-in': async ({ step, signIn, tokenRequest, system }) => {
    const { refreshToken = '' } = await step('The user signs in', () => signIn('alice'));
    await step('The client refreshes its token', () =>
      tokenRequest('web.client', {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        resource: system.url.api1,
      }),
    );
  },

  delegation: async ({ step, signIn, call }) => {
    const { accessToken } = await signIn('alice');
    await step('API1 calls API2 for the user', () => call('api1', '/accounts', accessToken));
    await step('A second call finds the token in API1’s memory', () =>
      call('api1', '/accounts', accessToken),
    );
  },

  translation: async ({ step, signIn, call }) => {
    const { accessToken } = await signIn('alice');
    await step('The subscription is active', () => call('api1', '/insights', accessToken));
    const bob = await signIn('bob');
    await step('The subscription has lapsed', () => call('api1', '/insights', bob.accessToken));
  },

  'token-exchange': async ({ step, signIn, call }) => {
    const { accessToken } = await signIn('alice');
    await step('Two hops: API1 acts for the user, and API2 for API1', () =>
      call('api1', '/chain', accessToken),
    );
  },

  refusals: async ({ step, signIn, call, tokenRequest }) => {
    const { accessToken, idToken = '' } = await signIn('alice');
    const dave = await signIn('dave');
    const delegation = (changes: Readonly<Record<string, string>>) => () =>
      tokenRequest('api1.client', {
        grant_type: 'delegation',
        scope: 'api2',
        token: accessToken,
        ...changes,
      });
    const exchange = (client: string, audience: string) => () =>
      tokenRequest(client, {
        grant_type: EXCHANGE_GRANT,
        subject_token: accessToken,
        subject_token_type: ACCESS_TOKEN_TYPE,
        audience,
      });
    await step('The user’s own token, forwarded', () => call('api2', '/accounts', accessToken));
    await step('No token', () => call('api1', '/accounts'));
    await step('One scope too many', delegation({ scope: 'api2 api2.premium' }));
    await step('An ID token', delegation({ token: idToken }));
    await step(
      'A client that the token was not meant for (RFC 8693)',
      exchange('api2.client', 'subscriptions'),
    );
    await step(
      'A target that the policy does not lead to (RFC 8693)',
      exchange('api1.client', 'subscriptions'),
    );
    await step('A user for whom no client may act', () => call('api1', '/accounts', dave.accessToken));
  },

  agent: async ({ step, recorder, system }) => {
    const send = recorder.fetchAs('browser');
    const endpoint = `${system.url.agent}/mcp`;
    const post = (message: object, token?: string) =>
      send(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
      });
    await step('An MCP client that knows the address alone finds out where to sign in', async () => {
      await post({ method: 'tools/list' });
      await send(`${system.url.agent}/.well-known/oauth-protected-resource/mcp`);
    });
    const { accessToken } = await step('Its user signs in and agrees', () =>
      signInOverHttp({
        issuer: system.url.sts,
        webUrl: system.url.web,
        resource: endpoint,
        scope: 'openid agent',
        username: 'alice',
        client: { id: 'mcp.client', redirectUri: 'http://127.0.0.1:43117/callback' },
        fetch: send,
      }),
    );
    const call = (name: string, input: object) => () =>
      post({ method: 'tools/call', params: { name, arguments: input } }, accessToken);
    const payment = { from: 'acc_a1_everyday', to: 'acc_b1_everyday', amount: '12.50', reference: 'Lunch' };
    await step('The agent reads the accounts', call('list_accounts', {}));
    await step('The agent prepares a payment', call('prepare_payment', payment));
    await step('The agent may not pay', call('pay', { ...payment, currency: 'EUR' }));
  },

  payment: async ({ step, signIn, payAs }) => {
    const { accessToken } = await signIn('alice');
    const pay = () => payAs(accessToken, '12.50');
    await step('A payment asks the STS whether the token still holds', pay);
    await step('The same request again books nothing', pay);
  },

  'step-up': async ({ step, signIn, payAs, system }) => {
    const { cookies } = await signIn('alice');
    ageSignIns(system, 600);
    const old = await signIn('alice', { cookies });
    await step('A large payment, ten minutes after the sign-in', () => payAs(old.accessToken, '500.00'));
    const fresh = await step('The client asks for a sign-in that is at most 300 seconds old', () =>
      signIn('alice', { cookies, parameters: { max_age: '300' } }),
    );
    await step('The same payment under the same key', () => payAs(fresh.accessToken, '500.00'));
  },

  logout: async ({ step, signIn, call, recorder, system, tokenRequest }) => {
    const { accessToken, idToken = '', cookies } = await signIn('alice');
    await call('api1', '/chain', accessToken);
    recorder.take();

    await step('The user signs out', async () => {
      const send = recorder.fetchAs('browser');
      const endSession = new URL(`${system.url.sts}/connect/endsession`);
      endSession.search = new URLSearchParams({
        id_token_hint: idToken,
        post_logout_redirect_uri: `${system.url.web}/`,
      }).toString();
      const asked = await send(endSession, { headers: { cookie: cookies, accept: 'text/html' } });
      const { action, xsrf } = formOf(await asked.text());
      const set = asked.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0]);
      await send(new URL(action, endSession), {
        method: 'POST',
        body: new URLSearchParams({ xsrf, logout: 'yes' }),
        headers: { cookie: [cookies, ...set].join('; '), origin: system.url.sts, accept: 'text/html' },
      });
      await recorder.until(
        (exchanges) => exchanges.filter(({ url }) => url.pathname === '/backchannel-logout').length === 2,
      );
    });
    await step('A token of the ended session, exchanged', () =>
      tokenRequest('api1.client', { grant_type: 'delegation', scope: 'api2', token: accessToken }),
    );
    await step('A token of the ended session, at API1', () => call('api1', '/accounts', accessToken));
  },
};

/** The confirmation's form: where it goes and what it carries. */
function formOf(page: string): { readonly action: string; readonly xsrf: string } {
  return {
    action: /<form[^>]*action="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? '',
    xsrf: /name="xsrf" value="([^"]*)"/.exec(page)?.[1] ?? '',
  };
}
