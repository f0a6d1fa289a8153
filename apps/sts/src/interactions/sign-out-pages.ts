import { html, type Html } from './html.ts';
import type { Page } from './page.ts';

/** Asks whether to sign out (OpenID Connect RP-Initiated Logout 1.0 §2). `xsrf` is the engine's token for this question. */
export function signOutPage(action: string, xsrf: string, application: string | undefined): Page {
  return {
    title: 'Sign out?',
    body: html`<h1>Sign out?</h1>
      <p class="lead">
        ${application !== undefined && html`<strong>${application}</strong> asks to sign you out. `}Everything
        that acts for you stops as well.
      </p>
      <form method="post" action="${action}">
        <input type="hidden" name="xsrf" value="${xsrf}" />
        <div class="actions">
          <button type="submit" name="logout" value="yes" autofocus>Sign out</button>
          <button type="submit" class="quiet">Stay signed in</button>
        </div>
      </form>`,
  };
}

export function signedOutPage(returnTo: { name: string; url: string } | undefined): Page {
  return {
    title: 'Signed out',
    body: html`<h1>You are signed out</h1>
      <p class="lead">Nothing acts for you any more. You can close this page.</p>
      ${
        returnTo !== undefined &&
        html`<p class="actions"><a class="button" href="${returnTo.url}">Back to ${returnTo.name}</a></p>`
      }`,
  };
}

/** Carries values on to `action` by a button, where the engine would have a script press it. */
export function continuePage(action: string, fields: Readonly<Record<string, string>>): Page {
  return {
    title: 'Continue',
    body: html`<h1>One more step</h1>
      <p class="lead">Press the button to continue.</p>
      <form method="post" action="${action}">
        ${Object.entries(fields).map(
          ([name, value]): Html => html`<input type="hidden" name="${name}" value="${value}" />`,
        )}
        <div class="actions"><button type="submit" autofocus>Continue</button></div>
      </form>`,
  };
}
