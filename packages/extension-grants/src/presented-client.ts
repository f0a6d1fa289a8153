import { decodeJwt } from 'jose';
import { holdsNul, type Form } from './form.ts';

export type PresentedClient =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: 'invalid_request' | 'invalid_client';
      readonly description: string;
    };

/** What a client presents itself with in the body. */
export const CREDENTIAL_PARAMETERS: readonly string[] = ['client_id', 'client_secret', 'client_assertion'];

/**
 * How a client presents itself, as far as that can be told without knowing it: by one mechanism at most (RFC 6749 §2.3),
 * well-formed, and not without any name (§5.2: `invalid_client`).
 *
 * Not checked: the credentials.
 */
export function checkPresentedClient(authorization: string | undefined, form: Form): PresentedClient {
  const { values } = form;
  const assertion = values.get('client_assertion')?.[0];
  const mechanisms = [authorization, values.get('client_secret'), assertion].filter(
    (used) => used !== undefined,
  );
  if (mechanisms.length > 1) {
    return {
      ok: false,
      error: 'invalid_request',
      description: 'the client authenticates in more than one way',
    };
  }
  if (CREDENTIAL_PARAMETERS.some((name) => holdsNul(form, name))) {
    return invalidClient('the client authentication contains NUL');
  }
  if (authorization !== undefined && !isBasic(authorization)) {
    return invalidClient('the Authorization header is no Basic authentication');
  }
  if (assertion !== undefined && !namesSubject(assertion)) {
    return invalidClient('the client assertion is malformed');
  }
  if (authorization === undefined && assertion === undefined && !values.has('client_id')) {
    return invalidClient('the client did not authenticate');
  }
  return { ok: true };
}

/** RFC 7617 with the encoding of RFC 6749 §2.3.1; id and secret must both be there. */
function isBasic(authorization: string): boolean {
  const encoded = /^basic +([\w+/-]+={0,2})$/i.exec(authorization)?.[1];
  if (encoded === undefined) return false;
  const credentials = Buffer.from(encoded, 'base64').toString('utf8');
  const [id = '', ...secret] = credentials.split(':');
  return [id, secret.join(':')].every(isEncodedCredential);
}

function isEncodedCredential(encoded: string): boolean {
  try {
    return /^[\x20-\x7e]+$/.test(decodeURIComponent(encoded.replaceAll('+', ' ')));
  } catch {
    return false;
  }
}

/** RFC 7523 §3: the client is the assertion's `sub`. */
function namesSubject(assertion: string): boolean {
  try {
    const { sub } = decodeJwt(assertion);
    return typeof sub === 'string' && sub !== '';
  } catch {
    return false;
  }
}

function invalidClient(description: string): PresentedClient {
  return { ok: false, error: 'invalid_client', description };
}
