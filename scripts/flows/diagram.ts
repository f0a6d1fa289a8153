import { formOf, jsonOf, NAMES, type Exchange, type Party } from './exchange.ts';
import { describeToken, presentPath } from './present.ts';

const ORDER: readonly Party[] = ['browser', 'api1', 'sts', 'api2', 'subscriptions'];

/** What happened as a Mermaid sequence diagram: an arrow for each request and each answer, in their order. */
export function renderDiagram(exchanges: readonly Exchange[]): string {
  const taking = ORDER.filter((party) => exchanges.some(({ from, to }) => from === party || to === party));
  const arrows = exchanges.flatMap((exchange) => [
    { at: exchange.began, line: `${exchange.from}->>${exchange.to}: ${requestLabel(exchange)}` },
    { at: exchange.ended, line: `${exchange.to}-->>${exchange.from}: ${answerLabel(exchange)}` },
  ]);
  return [
    'sequenceDiagram',
    ...taking.map((party) => `  participant ${party} as ${NAMES[party]}`),
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
  return label(`${method} ${presentPath(url)}${details.length > 0 ? ` (${details.join(', ')})` : ''}`);
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
    status < 400 && location !== null && `to ${presentPath(new URL(location, exchange.url))}`,
    /<title>([^<]*)<\/title>/.exec(responseBody)?.[1]?.trim(),
  ].filter((detail) => typeof detail === 'string');
  return label([status, ...new Set(details)].join(' '));
}

/** Mermaid ends a statement at a semicolon and reads # as the start of an entity. */
function label(text: string): string {
  return text.replaceAll(/[;#]/g, ' ');
}
