/** An `application/x-www-form-urlencoded` body (RFC 6749 appendix B), read strictly. */
export interface Form {
  /** Parameters with a value; an empty one counts as absent (RFC 6749 §3.1). */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** The same body without its empty parameters. */
  readonly body: Buffer;
}

export type ParsedForm =
  { readonly ok: true; readonly form: Form } | { readonly ok: false; readonly description: string };

/**
 * Parses a body. Refused: no UTF-8, malformed percent-encoding, NUL in a name, and more than `maximumPairs` parameters.
 * Not checked: NUL in values (`holdsNul`), which means something else in a credential than elsewhere.
 */
export function parseForm(bytes: Uint8Array, maximumPairs: number): ParsedForm {
  const text = decodeUtf8(bytes);
  if (text === undefined) return refused('the body is not UTF-8');
  const pairs = text.split('&').filter((pair) => pair !== '');
  if (pairs.length > maximumPairs) return refused('the body has too many parameters');

  const values = new Map<string, string[]>();
  const kept: string[] = [];
  for (const pair of pairs) {
    const [name, value] = splitPair(pair);
    if (name === undefined || value === undefined) return refused('the body is not form-encoded');
    if (name.includes('\0')) return refused('the body contains NUL');
    if (name === '' || value === '') continue;
    kept.push(pair);
    const sofar = values.get(name);
    if (sofar === undefined) values.set(name, [value]);
    else sofar.push(value);
  }
  return { ok: true, form: { values, body: Buffer.from(kept.join('&')) } };
}

/** Whether a parameter was sent with a NUL in it: no identifier, scope or token has one, and PostgreSQL stores none. */
export function holdsNul({ values }: Form, name: string): boolean {
  return values.get(name)?.some((value) => value.includes('\0')) === true;
}

function splitPair(pair: string): [string | undefined, string | undefined] {
  const at = pair.indexOf('=');
  if (at === -1) return [decode(pair), ''];
  return [decode(pair.slice(0, at)), decode(pair.slice(at + 1))];
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function refused(description: string): ParsedForm {
  return { ok: false, description };
}
