import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { nestActor, type ActClaim } from '../actor-chain.ts';
import type { Changes, TestIssuer } from './test-issuer.ts';

export interface TestAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a form post, or leaves it without an answer (`hang`). */
export type FormHandler = (
  form: URLSearchParams,
  request: IncomingMessage,
) => TestAnswer | 'hang' | Promise<TestAnswer | 'hang'>;

export interface TestIssuerServer {
  /** Where it is reached: `http://127.0.0.1:<port>`. */
  readonly address: string;
  readonly jwksUri: string;
  /** Path of every request so far. */
  readonly requests: readonly string[];
  /** Every answer from now on, or the usual ones again (undefined). `cut` ends the connection without one. */
  failWith(failure: TestAnswer | 'hang' | 'cut' | undefined): void;
  /** Replaces what the token endpoint does: a token for the form's `audience`, with the client as the current actor. */
  onToken(handler: FormHandler): void;
  /** Replaces what introspection does: active, with the token's own claims. */
  onIntrospection(handler: FormHandler): void;
  close(): Promise<void>;
}

/** Serves an issuer. It is an aid for tests: its endpoints authenticate and check nothing. */
export async function listen(issuer: TestIssuer): Promise<TestIssuerServer> {
  const requests: string[] = [];
  let failure: TestAnswer | 'hang' | 'cut' | undefined;
  let onToken: FormHandler = (form) => delegated(issuer, form);
  let onIntrospection: FormHandler = (form) => introspected(form);

  async function answer(request: IncomingMessage): Promise<TestAnswer | 'hang' | 'cut'> {
    const body = await readBody(request);
    if (failure !== undefined) return failure;
    switch (request.url ?? '') {
      case '/.well-known/openid-configuration':
        return { status: 200, body: metadata(issuer.issuer) };
      case '/.well-known/openid-configuration/jwks':
        return { status: 200, body: issuer.jwks() };
      case '/connect/token':
        return onToken(new URLSearchParams(body), request);
      case '/connect/introspect':
        return onIntrospection(new URLSearchParams(body), request);
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }

  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request).then(
      (outcome) => send(response, outcome),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    address,
    jwksUri: `${address}/.well-known/openid-configuration/jwks`,
    requests,
    failWith: (next) => void (failure = next),
    onToken: (handler) => void (onToken = handler),
    onIntrospection: (handler) => void (onIntrospection = handler),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, outcome: TestAnswer | 'hang' | 'cut'): void {
  if (outcome === 'hang') return;
  if (outcome === 'cut') {
    response.destroy();
    return;
  }
  response.writeHead(outcome.status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...outcome.headers,
  });
  response.end(typeof outcome.body === 'string' ? outcome.body : JSON.stringify(outcome.body));
}

/** Endpoints are named by the identifier, as an issuer does that is reached at another address. */
function metadata(issuer: string): Changes {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/openid-configuration/jwks`,
    token_endpoint: `${issuer}/connect/token`,
    introspection_endpoint: `${issuer}/connect/introspect`,
  };
}

function delegated(issuer: TestIssuer, form: URLSearchParams): TestAnswer {
  const subject = decodeJwt(form.get('subject_token') ?? form.get('token') ?? '');
  const actor = form.get('client_id') ?? 'unknown';
  const scope = form.get('scope') ?? 'api';
  const token = issuer.mint({
    sub: subject.sub,
    sid: subject['sid'],
    aud: form.get('audience') ?? issuer.audience,
    client_id: actor,
    scope,
    act: nestActor(actor, subject['act'] as ActClaim | undefined),
  });
  return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 300, scope } };
}

function introspected(form: URLSearchParams): TestAnswer {
  return { status: 200, body: { active: true, ...decodeJwt(form.get('token') ?? '') } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
