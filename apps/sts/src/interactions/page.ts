import { html, type Html } from './html.ts';

/** Where the one style sheet of these pages is served. */
export const STYLE_PATH = '/interaction/style.css';

export interface Page {
  readonly title: string;
  readonly body: Html;
}

/** A whole document: one heading, one main region, no script, no inline style. */
export function renderPage({ title, body }: Page): string {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title} – Behalf</title>
        <link rel="stylesheet" href="${STYLE_PATH}" />
        <link rel="icon" href="data:," />
      </head>
      <body>
        <header class="brand">
          <svg viewBox="0 0 28 28" aria-hidden="true" focusable="false">
            <circle class="from" cx="10" cy="14" r="7" stroke-width="2.5" />
            <circle class="to" cx="19" cy="14" r="7" fill-opacity="0.85" />
          </svg>
          <span>Behalf</span>
        </header>
        <main>
          <div class="card">${body}</div>
        </main>
        <footer class="end">Only enter your password on this site.</footer>
      </body>
    </html> `;
  return document.toString();
}

/** The summary at the top of a form that was refused: announced at once, and it names the field to mend. */
export function problemSummary(heading: string, text: string): Html {
  return html`<div class="problem" role="alert" id="problem">
    <h2>${heading}</h2>
    <p>${text}</p>
  </div>`;
}
