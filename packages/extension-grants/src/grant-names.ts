/** Names that the engine or the protocols themselves take, whether switched on or not. */
const BUILT_IN: ReadonlySet<string> = new Set([
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'implicit',
  'hybrid',
  'password',
  'none',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:pre-authorized_code',
]);

/** RFC 6749 appendix A.10: a name, or an absolute URI. */
const NAME = /^[\w.-]+$/;

/**
 * Throws at start-up when a grant's name is no name (RFC 6749 §4.5, appendix A.10), a built-in grant's, or taken twice.
 */
export function assertGrantNames(names: readonly string[], known: ReadonlySet<string>): void {
  const taken = new Set<string>();
  for (const name of names) {
    const quoted = JSON.stringify(name);
    if (typeof name !== 'string' || !(NAME.test(name) || isAbsoluteUri(name))) {
      throw new TypeError(`the grant type ${quoted} is neither a plain name nor an absolute URI`);
    }
    if (BUILT_IN.has(name) || known.has(name)) throw new TypeError(`the grant type ${quoted} is built in`);
    if (taken.has(name)) throw new TypeError(`two validators have the grant type ${quoted}`);
    taken.add(name);
  }
}

function isAbsoluteUri(name: string): boolean {
  return (
    /^[a-z][a-z\d+.-]*:[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/i.test(name) && URL.canParse(name)
  );
}
