import { logoutRun } from './run-logout.ts';
import type { Run } from './world.ts';

const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** What happens on each page of docs/flows. */
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
    await step('A user for whom nobody here may act', () => call('api1', '/accounts', dave.accessToken));
  },

  payment: async ({ step, signIn, recorder, system }) => {
    const { accessToken } = await signIn('alice');
    const pay = () =>
      recorder.fetchAs('browser')(`${system.url.api1}/payments`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${accessToken}`,
          'content-type': 'application/json',
          'idempotency-key': 'rent-2026-11',
        },
        body: JSON.stringify({
          from: 'acc_a1_everyday',
          to: 'acc_b1_everyday',
          amount: '12.50',
          currency: 'EUR',
          reference: 'Lunch',
        }),
      });
    await step('A payment asks the STS whether the token still holds', pay);
    await step('The same request again books nothing', pay);
  },

  logout: logoutRun,
};
