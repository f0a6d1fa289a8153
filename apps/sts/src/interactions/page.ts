import { readFileSync } from 'node:fs';

/** Markup that is safe to send. Only `html` makes it, and escapes every value that is not markup itself. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

type Part = Html | string | number | undefined | false | readonly Part[];

/**
 * A tagged template: `html\`<p>${text}</p>\``. Strings and numbers are escaped for element content and quoted attribute
 * values; `undefined` and `false` are left out. Not safe for values in unquoted attributes, scripts, styles, and URLs of an
 * unchecked scheme.
 */
export function html(literals: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(literals.reduce((markup, literal, index) => markup + render(values[index - 1]) + literal));
}

function render(value: Part): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escape(value);
  return value.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** The address of the style sheet. */
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

/** The summary at the top of a refused form; screen readers announce it at once. */
export function problemSummary(heading: string, text: string): Html {
  return html`<div class="problem" role="alert" id="problem">
    <h2>${heading}</h2>
    <p>${text}</p>
  </div>`;
}

const FILES = ['theme.css', 'pages.css'].map((name) => new URL(name, import.meta.url));

let read: string | undefined;

/** The one style sheet of the pages: the shared design tokens, then the rules. */
export function styleSheet(): string {
  read ??= FILES.map((file) => readFileSync(file, 'utf8')).join('\n');
  return read;
}
