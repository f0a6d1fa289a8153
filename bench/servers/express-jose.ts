/** The task by hand with Express and jose. */
import { randomUUID } from 'node:crypto';
import express from 'express';
import { jwtVerify, SignJWT } from 'jose';
import * as task from './task.ts';

const privateKey = task.privateKey();
const publicKey = task.publicKey();

const app = express().disable('x-powered-by').disable('etag');
app.post('/', express.urlencoded({ extended: false }), async (request, response) => {
  const form = request.body as Record<string, string | undefined>;
  response.set('cache-control', 'no-store');
  if (form['client_id'] !== task.CLIENT || !task.isSecret(form['client_secret'] ?? '')) {
    response.status(401).json({ error: 'invalid_client' });
    return;
  }
  const user = form['grant_type'] === 'delegation' ? await claimsOf(form['token'] ?? '') : undefined;
  if (user === undefined) {
    response.status(400).json({ error: 'invalid_grant' });
    return;
  }
  const { sub, sid, auth_time, amr } = user;
  const claims = { client_id: task.CLIENT, scope: 'api2', sid, auth_time, amr, act: { sub: task.CLIENT } };
  const accessToken = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: task.JWK.kid })
    .setIssuer(task.ISSUER)
    .setSubject(sub)
    .setAudience(task.API2)
    .setIssuedAt()
    .setExpirationTime(`${task.LIFETIME_SECONDS} s`)
    .setJti(randomUUID())
    .sign(privateKey);
  response.json({
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: task.LIFETIME_SECONDS,
    scope: 'api2',
  });
});
app.listen(task.port, '127.0.0.1');

async function claimsOf(token: string): Promise<task.UserClaims | undefined> {
  try {
    const options = { issuer: task.ISSUER, audience: task.API1, typ: 'at+jwt', algorithms: ['ES256'] };
    return (await jwtVerify<task.UserClaims>(token, publicKey, options)).payload;
  } catch {
    return undefined;
  }
}
