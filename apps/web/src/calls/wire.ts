import type { Step } from '../api/steps.ts';
import type { ClientConfig } from '../config.ts';

type Addresses = Pick<ClientConfig, 'issuer' | 'api1Url' | 'api2Url' | 'subscriptionsResource'>;

/** A step on the wire, as text. Tokens and secrets are never there: the services do not tell them. */
export interface Wire {
  /** Undefined: no request was sent. */
  readonly request: string | undefined;
  readonly answer: string;
  /** A command line with `$TOKEN` and `$SECRET` in the place of a token and a secret. */
  readonly curl: string | undefined;
}

export function wireOf(step: Step, addresses: Addresses): Wire {
  const answer = answerText(step);
  const base = baseUrl(step.to, addresses);
  if (step.kind === 'call') {
    const [method = 'GET', path = '/'] = (step.route ?? 'GET /').split(' ');
    return {
      request: `${method} ${path} HTTP/1.1\nHost: ${hostOf(base)}\nAuthorization: Bearer …`,
      answer,
      curl: [
        `curl -i ${method === 'GET' ? '' : `-X ${method} `}\\`,
        '  -H "Authorization: Bearer $TOKEN" \\',
        `  "${base}${path.replace('{sub}', '$SUB')}"`,
      ].join('\n'),
    };
  }
  if (step.kind === 'issue' || step.cached === true || step.request === undefined)
    return { request: undefined, answer, curl: undefined };
  const form = Object.entries(step.request);
  return {
    request: [
      'POST /connect/token HTTP/1.1',
      `Host: ${hostOf(base)}`,
      'Content-Type: application/x-www-form-urlencoded',
      '',
      form.map(([name, value]) => `${name}=${value}`).join('\n&'),
    ].join('\n'),
    answer,
    curl: [
      `curl "${base}/connect/token"`,
      ...form.map(
        ([name, value]) => `  --data-urlencode "${name}=${value === '…' ? variableOf(name) : value}"`,
      ),
    ].join(' \\\n'),
  };
}

function answerText({ status, error, reason, description, answer, kind, cached }: Step): string {
  if (kind === 'issue') return 'There is no answer: the token never leaves the process of the token service.';
  if (cached === true) return 'There is no answer: the token was still in memory.';
  if (status === null) return 'No answer came.';
  const body = answer ?? (status < 400 ? undefined : { reason, detail: description });
  const challenge =
    status === 401 || (status === 403 && error) ? `WWW-Authenticate: Bearer error="${error ?? ''}"` : '';
  const json = body && Object.values(body).some(Boolean) ? JSON.stringify(body, null, 2) : '';
  return [`HTTP/1.1 ${status}`, challenge, json && `\n${json}`].filter(Boolean).join('\n');
}

function variableOf(name: string): string {
  return name === 'client_secret' ? '$SECRET' : '$TOKEN';
}

function baseUrl(party: string, { issuer, api1Url, api2Url, subscriptionsResource }: Addresses): string {
  const urls: Readonly<Record<string, string>> = {
    sts: issuer,
    api1: api1Url,
    api2: api2Url,
    subscriptions: subscriptionsResource,
  };
  return (urls[party] ?? `https://${party}`).replace(/\/$/, '');
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}
