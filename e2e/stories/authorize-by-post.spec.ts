import { newChallenge } from '../support/tokens.ts';
import { expect, test } from '../support/fixtures.ts';
import { signIn } from '../support/person.ts';

const ELSEWHERE = 'http://another-site.example/';

test('a signed-in user is recognised when another site posts the request (OpenID Connect Core §3.1.2.1)', async ({
  page,
  system,
}) => {
  await signIn(page, 'alice');
  const fields = {
    client_id: 'web.client',
    response_type: 'code',
    redirect_uri: `${system.url.web}/callback`,
    scope: 'openid api1',
    resource: system.url.api1,
    state: 'a-state',
    prompt: 'none',
    code_challenge: newChallenge(),
    code_challenge_method: 'S256',
  };
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
  const body = `<form method="post" action="${system.url.sts}/connect/authorize">${inputs.join('')}<button>Go</button></form>`;
  await page.route(ELSEWHERE, (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.goto(ELSEWHERE);
  const posted = page.waitForRequest(`${system.url.sts}/connect/authorize`);
  const answered = page.waitForRequest((request) => request.url().startsWith(`${system.url.web}/callback?`));
  await page.getByRole('button', { name: 'Go' }).click();
  expect((await (await posted).allHeaders())['cookie']).toBeUndefined();
  expect(new URL((await answered).url()).searchParams.get('code')).not.toBeNull();
});
