import { html } from './html.ts';
import type { Page } from './page.ts';

/** The sign-in that this page belonged to is over: it took too long, was finished in another tab, or has no cookie here. */
export function expiredPage(applicationUrl: string | undefined): Page {
  return {
    title: 'This page has expired',
    body: html`<h1>This page has expired</h1>
      <p class="lead">
        The sign-in took too long, or it was finished in another tab. Nothing is wrong with your account: go
        back to the application and choose “Sign in” again.
      </p>
      ${
        applicationUrl !== undefined &&
        html`<p class="actions"><a class="button" href="${applicationUrl}">Back to the application</a></p>`
      }`,
  };
}

/** A request that cannot go on and must not be sent back to whoever made it (RFC 6749 §4.1.2.1). */
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
      </dl>`,
  };
}

/** Our own fault, or our database's. */
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
      }`,
  };
}

/** A form that was sent from somewhere else than the page it stands on. */
export function foreignFormPage(): Page {
  return {
    title: 'Not accepted',
    body: html`<h1>Not accepted</h1>
      <p class="lead">
        This form was sent from another site. Go back to the application and sign in from there.
      </p>`,
  };
}
