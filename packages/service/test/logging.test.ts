import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, redactMembers } from '../src/logging.ts';

const TOKEN = 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4';

const SECRET = 'correct-horse-battery-staple';

function capture() {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { lines, logger: createLogger({ service: 'test', level: 'trace', destination }) };
}

describe('the logger', () => {
  it.each([
    ['a member named access_token', { access_token: SECRET }],
    ['a member named subjectToken', { subjectToken: SECRET }],
    ['a nested authorization header', { request: { headers: { authorization: `Bearer ${SECRET}` } } }],
    ['a cookie in a list of objects', { requests: [{ cookie: SECRET }] }],
    ['a set-cookie header', { 'Set-Cookie': [`session=${SECRET}`] }],
    ['a client secret', { client: { id: 'api1.client', client_secret: SECRET } }],
    ['a password', { form: { username: 'alice', password: SECRET } }],
    ['an authorization code', { code: SECRET }],
    ['a code verifier', { code_verifier: SECRET }],
    ['a client assertion', { client_assertion: SECRET }],
    ['an id token hint', { id_token_hint: SECRET }],
    ['a token in a message of no member', { note: `got ${TOKEN} from somewhere` }],
    ['an authorization value in a text', { note: `header was Bearer ${SECRET}` }],
    ['the password in a database URL', { url: `postgres://behalf:${SECRET}@db/behalf` }],
    ['an error whose message quotes a token', { err: new Error(`bad token ${TOKEN}`) }],
    ['an error whose cause quotes a token', { err: new Error('x', { cause: new Error(`bad ${TOKEN}`) }) }],
    [
      'the objects that hang from an error',
      { err: Object.assign(new Error('x'), { config: { data: SECRET } }) },
    ],
    [
      'headers, query and body of a request',
      { req: { method: 'GET', url: `/cb?x=${SECRET}`, headers: { x: SECRET }, body: SECRET } },
    ],
    ['headers of a response', { res: { statusCode: 200, headers: { location: SECRET } } }],
  ])('never writes %s', (_what, record) => {
    const { lines, logger } = capture();
    logger.info(record, 'event');
    expect(lines.join('')).toContain('event');
    expect(lines.join('')).not.toContain(SECRET);
    expect(lines.join('')).not.toContain(TOKEN.split('.')[1]);
  });

  it('cuts a token out of the message itself, and out of what a child logger carries', () => {
    const { lines, logger } = capture();
    logger.warn(`refused ${TOKEN}`);
    logger.child({ note: TOKEN }).warn('refused');
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain(TOKEN.split('.')[1]);
  });

  it('keeps what operators need: codes of errors, method, path, status', () => {
    const { lines, logger } = capture();
    const err = Object.assign(new Error('refused', { cause: new Error('deeper') }), { code: 'ECONNREFUSED' });
    logger.error(
      { err, req: { method: 'GET', url: '/accounts?limit=1' }, res: { statusCode: 503 } },
      'failed',
    );
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      service: 'test',
      level: 'error',
      msg: 'failed',
      err: { type: 'Error', message: 'refused', code: 'ECONNREFUSED', cause: { message: 'deeper' } },
      req: { method: 'GET', path: '/accounts' },
      res: { status: 503 },
    });
  });

  it('does not change the record it is given, and ends on a cyclic one', () => {
    const record: Record<string, unknown> = { password: SECRET };
    record['self'] = record;
    expect(JSON.stringify(redactMembers(record))).not.toContain(SECRET);
    expect(record['password']).toBe(SECRET);
  });
});
