/** Markup that is safe to send: made by `html` alone, which escapes every value that is not itself markup. */
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
 * values; `undefined` and `false` are left out. Not safe for values in unquoted attributes, scripts, styles and URLs whose
 * scheme a stranger chose: there are none.
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
