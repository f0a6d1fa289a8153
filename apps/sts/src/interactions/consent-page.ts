import { html } from './html.ts';
import type { Page } from './page.ts';

export interface ConsentPage {
  readonly action: string;
  readonly application: string;
  /** Where the answer goes: the person can see whom they deal with. */
  readonly destination: string;
  readonly userName: string;
  readonly scopes: readonly string[];
}

/** What each scope means to a person. A scope without an entry is shown by its name. */
const MEANINGS: Readonly<Record<string, { title: string; detail: string }>> = {
  openid: { title: 'Know that it is you', detail: 'A number that stands for you, not your name.' },
  profile: { title: 'See your name', detail: 'Your display name and user name.' },
  email: { title: 'See your e-mail address', detail: 'To read it, not to send in your name.' },
  offline_access: { title: 'Stay signed in', detail: 'Until you sign out, even when its page is closed.' },
  api1: { title: 'Use your accounts', detail: 'See balances, make payments and read reports for you.' },
  account: {
    title: 'See and end who acts for you',
    detail: 'The list of delegations and your live sign-ins.',
  },
};

/** Asks whether an application may have what it asked for. */
export function consentPage({ action, application, destination, userName, scopes }: ConsentPage): Page {
  return {
    title: `Allow ${application}?`,
    body: html`<h1>Allow ${application}?</h1>
      <p class="lead">
        You are signed in as <strong>${userName}</strong>. <strong>${application}</strong> asks to:
      </p>
      <ul class="scopes">
        ${scopes.map((scope) => {
          const meaning = MEANINGS[scope] ?? { title: scope, detail: '' };
          return html`<li><strong>${meaning.title}</strong><span>${meaning.detail}</span></li>`;
        })}
      </ul>
      <dl class="facts">
        <dt>Goes back to</dt>
        <dd>${destination}</dd>
      </dl>
      <form method="post" action="${action}">
        <div class="actions">
          <button type="submit" name="action" value="allow">Allow</button>
          <button type="submit" class="quiet" name="action" value="abort">Do not allow</button>
        </div>
      </form>`,
  };
}
