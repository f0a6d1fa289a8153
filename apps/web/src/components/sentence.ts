/** A service's short description as a sentence: a capital at the start, a full stop at the end. */
export function asSentence(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  if (!trimmed) return undefined;
  const [first = '', ...rest] = trimmed;
  return `${first.toLocaleUpperCase()}${rest.join('')}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}
