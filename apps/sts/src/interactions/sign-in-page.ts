import { html } from './html.ts';
import { problemSummary, type Page } from './page.ts';

export interface SignInPage {
  /** Where the form goes. */
  readonly action: string;
  readonly application: string;
  readonly username: string;
  readonly problem?: SignInProblem;
}

export type SignInProblem = 'missing' | 'refused' | { readonly waitSeconds: number };

/** The sign-in form. It never says whether the name or the password was wrong. */
export function signInPage({ action, application, username, problem }: SignInPage): Page {
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
      </form>`,
  };
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
