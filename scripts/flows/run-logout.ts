import type { Run } from './world.ts';

/** The confirmation's form: where it goes and what it carries. */
function formOf(page: string): { readonly action: string; readonly xsrf: string } {
  return {
    action: /<form[^>]*action="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? '',
    xsrf: /name="xsrf" value="([^"]*)"/.exec(page)?.[1] ?? '',
  };
}

export const logoutRun: Run = async ({ step, signIn, call, recorder, system, tokenRequest }) => {
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
};
