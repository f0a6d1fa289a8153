import { html, type Page } from '../interactions/page.ts';
import { wayOn } from '../interactions/pages.ts';

/** A sign-in at the upstream that came to nothing. `subject`: the person is known there, and not here. */
export function upstreamProblemPage(
  name: string,
  problem: 'failed' | 'unavailable' | { readonly subject: string },
  retry?: string,
): Page {
  const again =
    retry !== undefined && html`<p class="actions"><a class="button" href="${retry}">Try again</a></p>`;
  if (problem === 'failed' || problem === 'unavailable') {
    return {
      title: 'Not signed in',
      body: html`<h1>Not signed in</h1>
        <p class="lead">
          ${
            problem === 'failed'
              ? `The sign-in with ${name} was not finished, or its answer does not fit.`
              : `${name} does not answer. Wait a moment and try again.`
          }
        </p>
        ${again} ${wayOn}`,
    };
  }
  return {
    title: 'You have no account here',
    body: html`<h1>You have no account here</h1>
      <p class="lead">
        ${name} knows you, but you have no account here. Ask the people who run this service to add you, and
        tell them this number:
      </p>
      <dl class="facts">
        <dt>Your number at ${name}</dt>
        <dd>${problem.subject}</dd>
      </dl>
      ${wayOn}`,
  };
}
