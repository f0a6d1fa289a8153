import type { ClientConfig } from '../src/config.ts';

const PLACEHOLDER = '<!-- behalf:config -->';

/**
 * Puts the configuration into the page as a `<meta>` element: one built client then runs anywhere, without a request
 * more and without an inline script. Throws when the page has no place for it.
 */
export function withClientConfig(html: string, config: ClientConfig): string {
  if (!html.includes(PLACEHOLDER)) throw new Error(`the page has no ${PLACEHOLDER}`);
  const meta = `<meta name="behalf:config" content="${escapeAttribute(JSON.stringify(config))}" />`;
  const preconnect = `<link rel="preconnect" href="${escapeAttribute(new URL(config.issuer).origin)}" crossorigin />`;
  return html.replace(PLACEHOLDER, () => `${meta}\n    ${preconnect}`);
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
