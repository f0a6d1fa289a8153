/** An `application/x-www-form-urlencoded` body (RFC 6749 appendix B), read strictly. */
export interface Form {
  /** Parameters with a value. An empty parameter counts as absent (RFC 6749 §3.1). */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Parameters with a NUL in a value. No identifier, scope or token has one, and PostgreSQL stores none. */
  readonly withNul: ReadonlySet<string>;
  /** The same body without its empty parameters. */
  readonly body: Buffer;
}

export type ParsedForm =
  { readonly ok: true; readonly form: Form } | { readonly ok: false; readonly description: string };

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Parses a body. Refuses bytes that are not UTF-8, malformed percent-encoding, a NUL in a name, and too many parameters. */
export function parseForm(bytes: Buffer, maximumPairs: number): ParsedForm {
  const values = new Map<string, string[]>();
  const withNul = new Set<string>();
  const kept: string[] = [];
  let pairs: string[];
  try {
    pairs = UTF8.decode(bytes).split('&');
  } catch {
    return refused('the body is not UTF-8');
  }
  if (pairs.length > maximumPairs && pairs.filter((pair) => pair !== '').length > maximumPairs) {
    return refused('the body has too many parameters');
  }
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const [first, second] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    const isEncoded = pair.includes('%') || pair.includes('+');
    const name = isEncoded ? decode(first) : first;
    const value = isEncoded ? decode(second) : second;
    if (name === undefined || value === undefined) return refused('the body is not form-encoded');
    if (name.includes('\0')) return refused('the body contains NUL');
    if (name === '' || value === '') continue;
    if (value.includes('\0')) withNul.add(name);
    kept.push(pair);
    const earlier = values.get(name);
    if (earlier === undefined) values.set(name, [value]);
    else earlier.push(value);
  }
  const body = kept.length === pairs.length ? bytes : Buffer.from(kept.join('&'));
  return { ok: true, form: { values, withNul, body } };
}

/** Undefined for malformed percent-encoding. */
function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function refused(description: string): ParsedForm {
  return { ok: false, description };
}
