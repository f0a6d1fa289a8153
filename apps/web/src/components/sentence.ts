/** A service's short description as a sentence: a capital at the start, a full stop at the end. A claim's name stays as it is. */
export function asSentence(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  if (!trimmed) return undefined;
  const [first = '', ...rest] = trimmed;
  const start = /^[a-z]+_/.test(trimmed) ? first : first.toLocaleUpperCase();
  return `${start}${rest.join('')}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}
