/** A run as Markdown: a diagram for each step, and every request and answer with its tokens decoded. */
import { STATUS_CODES } from 'node:http';
import { BACK_ENDS } from '@behalf/service/services';
import {
  decodeToken,
  describeToken,
  presentHeader,
  presentJson,
  presentParameters,
  presentPath,
} from './present.ts';
import type { Exchange, Party } from './recorder.ts';

/** A part of a flow, under a heading of its own. */
export interface Step {
  readonly title: string;
  readonly exchanges: readonly Exchange[];
}

/** In the order in which a diagram shows them: the browser and the service that it calls, then the STS and those behind it. */
const LABELS = new Map<Party, string>([
  ['browser', 'Browser'],
  ['api1', 'API1'],
  ...BACK_ENDS.map(({ name, label }) => [name, label] as const),
]);

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

export function renderSteps(steps: readonly Step[]): string {
  const seen = new Set<string>();
  return steps.map((step) => renderStep(step, seen)).join('\n\n');
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
    `**${LABELS.get(from)} → ${LABELS.get(to)}: ${method} ${presentPath(url.pathname)}**`,
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
  const lines = [`${method} ${presentPath(url.pathname)}${query}`];
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

/** JSON, or the JSON of a server-sent event. Anything else is left out: it may hold what must not be shown. */
function jsonText(body: string): string {
  const json = body.startsWith('{') ? body : /^data: (\{.*\})$/m.exec(body)?.[1];
  return json === undefined ? '' : presentJson(JSON.parse(json));
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

/** A Mermaid sequence diagram: an arrow for each request and each answer, in their order. */
function renderDiagram(exchanges: readonly Exchange[]): string {
  const parties = [...LABELS].filter(([party]) =>
    exchanges.some(({ from, to }) => from === party || to === party),
  );
  const arrows = exchanges.flatMap((exchange) => [
    { at: exchange.began, line: `${exchange.from}->>${exchange.to}: ${requestLabel(exchange)}` },
    { at: exchange.ended, line: `${exchange.to}-->>${exchange.from}: ${answerLabel(exchange)}` },
  ]);
  return [
    'sequenceDiagram',
    ...parties.map(([party, label]) => `  participant ${party} as ${label}`),
    ...arrows.toSorted((one, other) => one.at - other.at).map(({ line }) => `  ${line}`),
  ].join('\n');
}

function requestLabel(exchange: Exchange): string {
  const { method, url, requestHeaders } = exchange;
  const form = formOf(exchange);
  const [scheme, token = ''] = (requestHeaders.get('authorization') ?? '').split(' ');
  const details = [
    form?.get('grant_type')?.split(':').at(-1),
    form?.has('logout_token') === true && describeToken(form.get('logout_token') ?? ''),
    form?.has('username') === true && 'user name, password',
    scheme === 'Bearer' && describeToken(token),
  ].filter((detail) => typeof detail === 'string');
  return escapeLabel(
    `${method} ${presentPath(url.pathname)}${details.length > 0 ? ` (${details.join(', ')})` : ''}`,
  );
}

function answerLabel(exchange: Exchange): string {
  const { status, responseHeaders, responseBody } = exchange;
  const { access_token: accessToken, error, reason, type } = jsonOf(exchange);
  const location = responseHeaders.get('location');
  const details = [
    typeof accessToken === 'string' && describeToken(accessToken),
    typeof error === 'string' && error,
    typeof reason === 'string' && `reason ${reason}`,
    status >= 400 && typeof type === 'string' && type.split(/[/:]/).at(-1),
    status < 400 && location !== null && `to ${presentPath(new URL(location, exchange.url).pathname)}`,
    /<title>([^<]*)<\/title>/.exec(responseBody)?.[1]?.trim(),
  ].filter((detail) => typeof detail === 'string');
  return escapeLabel([status, ...new Set(details)].join(' '));
}

/** Mermaid ends a statement at a semicolon and reads # as the start of an entity. */
function escapeLabel(text: string): string {
  return text.replaceAll(/[;#]/g, ' ');
}

/** The parameters of a form, or undefined when the body is none. */
function formOf({ requestHeaders, requestBody }: Exchange): URLSearchParams | undefined {
  const isForm = requestHeaders.get('content-type')?.startsWith('application/x-www-form-urlencoded');
  return isForm === true ? new URLSearchParams(requestBody) : undefined;
}

/** The members of a JSON answer; empty when it is none. */
function jsonOf({ responseHeaders, responseBody }: Exchange): Readonly<Record<string, unknown>> {
  const isJson = /json/.test(responseHeaders.get('content-type') ?? '');
  return isJson && responseBody !== '' ? (JSON.parse(responseBody) as Record<string, unknown>) : {};
}
