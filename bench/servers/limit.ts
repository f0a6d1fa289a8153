/** The task by hand on node:http and node:crypto, every step synchronous: the limit of one core. `GET /` answers a constant. */
import { randomUUID, sign, verify } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import * as task from './task.ts';

const privateKey = { key: task.privateKey(), dsaEncoding: 'ieee-p1363' } as const;
const publicKey = { key: task.publicKey(), dsaEncoding: 'ieee-p1363' } as const;
const HEADER = encode({ alg: 'ES256', typ: 'at+jwt', kid: task.JWK.kid });

createServer((request, response) => {
  if (request.method === 'GET') return answer(response, 200, { ok: true });
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (part: string) => (body += part));
  request.on('end', () => {
    const form = new URLSearchParams(body);
    if (form.get('client_id') !== task.CLIENT || !task.isSecret(form.get('client_secret') ?? ''))
      return answer(response, 401, { error: 'invalid_client' });
    const user = form.get('grant_type') === 'delegation' && claimsOf(form.get('token') ?? '');
    if (!user) return answer(response, 400, { error: 'invalid_grant' });
    answer(response, 200, {
      access_token: issue(user),
      token_type: 'Bearer',
      expires_in: task.LIFETIME_SECONDS,
      scope: 'api2',
    });
  });
}).listen(task.port, '127.0.0.1');

function claimsOf(token: string): task.UserClaims | undefined {
  const [header = '', payload = '', signature = '', ...rest] = token.split('.');
  if (rest.length > 0) return undefined;
  try {
    const { alg, typ } = decode(header);
    if (alg !== 'ES256' || typ !== 'at+jwt') return undefined;
    const signed = Buffer.from(`${header}.${payload}`);
    if (!verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = decode(payload) as unknown as task.UserClaims & { iss: string; aud: string; exp: number };
    const isGood = claims.iss === task.ISSUER && claims.aud === task.API1 && claims.exp > Date.now() / 1000;
    return isGood ? claims : undefined;
  } catch {
    return undefined;
  }
}

function issue({ sub, sid, auth_time, amr }: task.UserClaims): string {
  const iat = Math.floor(Date.now() / 1000);
  const payload = {
    iss: task.ISSUER,
    sub,
    aud: task.API2,
    client_id: task.CLIENT,
    scope: 'api2',
    iat,
    exp: iat + task.LIFETIME_SECONDS,
    jti: randomUUID(),
    sid,
    auth_time,
    amr,
    act: { sub: task.CLIENT },
  };
  const signed = `${HEADER}.${encode(payload)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
}

function answer(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
}
