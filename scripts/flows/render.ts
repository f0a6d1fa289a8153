import { STATUS_CODES } from 'node:http';
import { renderDiagram } from './diagram.ts';
import { decodeToken, formOf, jsonOf, NAMES, type Exchange, type Step } from './exchange.ts';
import { presentHeader, presentJson, presentParameters, presentPath, type Addresses } from './present.ts';

const REQUEST_HEADERS = ['authorization', 'content-type', 'origin', 'idempotency-key'];
const RESPONSE_HEADERS = [
  'content-type',
  'cache-control',
  'location',
  'www-authenticate',
  'retry-after',
  'idempotency-replayed',
  'set-cookie',
];

/** The steps of a flow as Markdown: a diagram each, and every request and answer with the tokens that come up, decoded. */
export function renderSteps(steps: readonly Step[], addresses: Addresses): string {
  const seen = new Set<string>();
  return addresses(steps.map((step) => renderStep(step, seen)).join('\n\n'));
}

function renderStep({ title, exchanges }: Step, seen: Set<string>): string {
  return [
    `## ${title}`,
    fenced('mermaid', renderDiagram(exchanges)),
    ...exchanges.map((exchange) => renderExchange(exchange, seen)),
  ].join('\n\n');
}

function renderExchange(exchange: Exchange, seen: Set<string>): string {
  const { from, to, method, url } = exchange;
  return [
    `**${NAMES[from]} → ${NAMES[to]}: ${method} ${presentPath(url)}**`,
    fenced('http', renderRequest(exchange)),
    fenced('http', renderResponse(exchange)),
    ...newTokens(exchange, seen).map(
      ([name, claims]) => `\`${name}\`, decoded:\n\n${fenced('json', presentJson(claims))}`,
    ),
  ].join('\n\n');
}

function renderRequest(exchange: Exchange): string {
  const { method, url, requestHeaders, requestBody } = exchange;
  const query = url.search === '' ? '' : `?${presentParameters(url.searchParams).replaceAll('\n', '\n  ')}`;
  const lines = [`${method} ${presentPath(url)}${query}`];
  if (requestHeaders.has('cookie')) lines.push('Cookie: …');
  lines.push(...headerLines(requestHeaders, REQUEST_HEADERS));
  const form = formOf(exchange);
  const body = form === undefined ? jsonText(requestBody) : presentParameters(form);
  return body === '' ? lines.join('\n') : `${lines.join('\n')}\n\n${body}`;
}

function renderResponse(exchange: Exchange): string {
  const { status, responseHeaders, responseBody } = exchange;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`.trim(),
    ...headerLines(responseHeaders, RESPONSE_HEADERS),
  ];
  const title = /<title>([^<]*)<\/title>/.exec(responseBody)?.[1];
  const body = title === undefined ? jsonText(responseBody) : `<page: ${title.trim()}>`;
  return body === '' ? lines.join('\n') : `${lines.join('\n')}\n\n${body}`;
}

function headerLines(headers: Headers, names: readonly string[]): readonly string[] {
  return [...headers]
    .filter(([name]) => names.includes(name))
    .map(([name, value]) => `${capitalised(name)}: ${presentHeader(name, value)}`)
    .toSorted();
}

function capitalised(name: string): string {
  if (name === 'www-authenticate') return 'WWW-Authenticate';
  return name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** Anything that is not JSON is left out: it may hold what must not be shown. */
function jsonText(body: string): string {
  if (!body.startsWith('{')) return '';
  return presentJson(JSON.parse(body));
}

/** JWTs that this exchange brought up for the first time, by the name of their parameter or member. */
function newTokens(exchange: Exchange, seen: Set<string>): (readonly [string, unknown])[] {
  const bearer = exchange.requestHeaders.get('authorization')?.split(' ')[1] ?? '';
  const values = [
    ['token', bearer] as const,
    ...(formOf(exchange) ?? []),
    ...Object.entries(jsonOf(exchange)).map(([name, value]) => [name, String(value)] as const),
  ];
  const found: (readonly [string, unknown])[] = [];
  for (const [name, value] of values) {
    const token = decodeToken(value);
    if (token === undefined || seen.has(value)) continue;
    seen.add(value);
    found.push([name, token.claims]);
  }
  return found;
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
