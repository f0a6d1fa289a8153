import { html, type Html, type Page, problemSummary } from './page.ts';

/** Leads to this server's own application, wherever that is: a page that ends a sign-in is no dead end. */
export const APPLICATION_PATH = '/application';

export const wayOn = html`<p class="actions">
  <a class="button" href="${APPLICATION_PATH}">Go to Behalf</a>
</p>`;

export interface SignInPage {
  /** Where the form goes. */
  readonly action: string;
  readonly application: string;
  readonly username: string;
  readonly problem?: SignInProblem;
  /** The OpenID provider that people may sign in with besides. */
  readonly upstreamName?: string | undefined;
  /** Names of the demo users, whose password is their name. None in production. */
  readonly demoUsers: readonly { readonly name: string; readonly about: string }[];
}

export type SignInProblem = 'missing' | 'refused' | { readonly waitSeconds: number };

/** The sign-in form. It never says whether the name or the password was wrong. */
export function signInPage(page: SignInPage): Page {
  const { action, application, username, problem, upstreamName, demoUsers } = page;
  const invalid = problem === undefined ? undefined : html` aria-invalid="true" aria-describedby="problem"`;
  const isFirstTry = username === '';
  return {
    title: problem === undefined ? 'Sign in' : 'Sign in: there is a problem',
    body: html`<h1>Sign in</h1>
      <p class="lead">to continue to <strong>${application}</strong></p>
      ${problem !== undefined && problemOf(problem)}
      <form method="post" action="${action}">
        <div class="field">
          <label for="username">User name</label>
          <input
            type="text"
            id="username"
            name="username"
            value="${username}"
            autocomplete="username"
            autocapitalize="none"
            spellcheck="false"
            maxlength="256"
            required
            ${isFirstTry && html`autofocus`}
            ${invalid}
          />
        </div>
        <div class="field">
          <label for="password">Password</label>
          <input
            type="password"
            id="password"
            name="password"
            autocomplete="current-password"
            maxlength="1024"
            required
            ${!isFirstTry && html`autofocus`}
            ${invalid}
          />
        </div>
        <div class="actions">
          <button type="submit">Sign in</button>
          <button type="submit" class="quiet" name="action" value="abort" formnovalidate>Cancel</button>
        </div>
      </form>
      ${
        upstreamName !== undefined &&
        html`<p class="actions">
          <a class="button" href="${action}/upstream">Continue with ${upstreamName}</a>
        </p>`
      }
      ${demoUsers.length > 0 && demoList(demoUsers)}`,
  };
}

function demoList(users: SignInPage['demoUsers']) {
  return html`<section class="demo" aria-labelledby="demo">
    <h2 id="demo">Demo users</h2>
    <p>The password is the user name.</p>
    <dl>
      ${users.map(
        ({ name, about }) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${about}</dd>
          </div>`,
      )}
    </dl>
  </section>`;
}

function problemOf(problem: SignInProblem) {
  if (problem === 'missing') {
    return problemSummary('Not signed in', 'Enter your user name and your password.');
  }
  if (problem === 'refused') {
    return problemSummary(
      'Not signed in',
      'This user name and password do not fit. Check both and try again.',
    );
  }
  return problemSummary(
    'Too many attempts',
    `For your protection sign-in is paused. Try again in ${inWords(problem.waitSeconds)}.`,
  );
}

function inWords(seconds: number): string {
  if (seconds <= 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

export interface ConsentPage {
  readonly action: string;
  readonly application: string;
  /** The origin that the answer goes to. */
  readonly destination: string;
  readonly userName: string;
  readonly scopes: readonly string[];
  /** The host that describes the application; undefined for one that an operator has registered. */
  readonly describedBy?: string | undefined;
  /** The answer goes to a program on the person's computer. */
  readonly isLoopback: boolean;
}

/** The meaning of each scope for people. A scope without an entry is shown by its name. */
const MEANINGS: Readonly<Record<string, { title: string; detail: string }>> = {
  openid: { title: 'Know that it is you', detail: 'A number that stands for you, not your name.' },
  profile: { title: 'See your name', detail: 'Your display name and user name.' },
  email: { title: 'See your e-mail address', detail: 'To read it, not to send in your name.' },
  offline_access: { title: 'Stay signed in', detail: 'Until you sign out, even when its page is closed.' },
  api1: { title: 'Use your accounts', detail: 'See balances, make payments and read reports for you.' },
  agent: {
    title: 'Use the agent for you',
    detail: 'The agent reads your accounts and prepares payments. It cannot pay.',
  },
  account: {
    title: 'See and end who acts for you',
    detail: 'The list of delegations and your live sign-ins.',
  },
};

/** Asks whether an application may have the scopes that it asked for. */
export function consentPage(page: ConsentPage): Page {
  const { action, application, destination, userName, scopes, describedBy, isLoopback } = page;
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
        ${
          describedBy !== undefined &&
          html`<dt>Described by</dt>
            <dd>${describedBy}</dd>`
        }
        <dt>Goes back to</dt>
        <dd>${destination}</dd>
      </dl>
      ${
        describedBy !== undefined &&
        html`<p>Its name is its own claim. Allow it only if you know ${describedBy}.</p>`
      }
      ${
        isLoopback &&
        html`<p>
          The answer goes to a program on this computer, and any program here can pass for another. Allow it
          only if you have just started this sign-in yourself.
        </p>`
      }
      <form method="post" action="${action}">
        <div class="actions">
          <button type="submit" name="action" value="allow">Allow</button>
          <button type="submit" class="quiet" name="action" value="abort">Do not allow</button>
        </div>
      </form>`,
  };
}

/** Asks whether to sign out (OpenID Connect RP-Initiated Logout 1.0 §2). `xsrf` names the session that the answer is about. */
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

export function staysSignedInPage(): Page {
  return {
    title: 'Still signed in',
    body: html`<h1>You are still signed in</h1>
      <p class="lead">You can close this page.</p>
      ${wayOn}`,
  };
}

/** Asks the person who has just signed in to sign out the one who was signed in with this browser before. */
export function changeUserPage(action: string, fields: Readonly<Record<string, string>>): Page {
  return {
    title: 'Sign the other person out?',
    body: html`<h1>Sign the other person out?</h1>
      <p class="lead">
        Another person is signed in with this browser. When you continue, that person is signed out, and
        everything that acts for them stops.
      </p>
      ${formOf(action, fields)} ${wayOn}`,
  };
}

/** Carries values on to `action` by a button. */
export function continuePage(action: string, fields: Readonly<Record<string, string>>): Page {
  return {
    title: 'Continue',
    body: html`<h1>One more step</h1>
      <p class="lead">Press the button to continue.</p>
      ${formOf(action, fields)}`,
  };
}

function formOf(action: string, fields: Readonly<Record<string, string>>): Html {
  return html`<form method="post" action="${action}">
    ${Object.entries(fields).map(
      ([name, value]): Html => html`<input type="hidden" name="${name}" value="${value}" />`,
    )}
    <div class="actions"><button type="submit" autofocus>Continue</button></div>
  </form>`;
}

/** The sign-in took too long, was finished in another tab, or has no cookie in this browser. */
export function expiredPage(): Page {
  return {
    title: 'This page has expired',
    body: html`<h1>This page has expired</h1>
      <p class="lead">
        The sign-in took too long, or it was finished in another tab. Nothing is wrong with your account: go
        back to the application and choose “Sign in” again.
      </p>
      ${wayOn}`,
  };
}

/** A faulty request that must not be sent back to the client (RFC 6749 §4.1.2.1). */
export function errorPage(error: string, description: string | undefined): Page {
  return {
    title: 'That did not work',
    body: html`<h1>That did not work</h1>
      <p class="lead">
        The application that sent you here asked for something that is not possible. You can go back and try
        again; if it happens again, tell the people who run the application.
      </p>
      <dl class="facts">
        <dt>Error</dt>
        <dd>${error}</dd>
        ${
          description !== undefined &&
          html`<dt>Meaning</dt>
            <dd>${description}</dd>`
        }
      </dl>
      ${wayOn}`,
  };
}

/** A `client_id` that is an address whose document cannot be taken. */
export function clientDocumentPage(reason: string): Page {
  return {
    title: 'This application is not known',
    body: html`<h1>This application is not known</h1>
      <p class="lead">
        The application that sent you here describes itself at an address, and the description cannot be used.
      </p>
      <p>${reason}</p>
      ${wayOn}`,
  };
}

/** An internal failure. */
export function troublePage(requestId: string | undefined): Page {
  return {
    title: 'Something went wrong',
    body: html`<h1>Something went wrong</h1>
      <p class="lead">This is on our side, not yours. Wait a moment and try again.</p>
      ${
        requestId !== undefined &&
        html`<dl class="facts">
          <dt>Reference</dt>
          <dd>${requestId}</dd>
        </dl>`
      }
      ${wayOn}`,
  };
}

/** A form that another site sent. */
export function foreignFormPage(): Page {
  return {
    title: 'Not accepted',
    body: html`<h1>Not accepted</h1>
      <p class="lead">
        This form was sent from another site. Go back to the application and sign in from there.
      </p>
      ${wayOn}`,
  };
}
