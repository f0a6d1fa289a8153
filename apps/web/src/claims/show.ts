const TIMES = new Set(['iat', 'exp', 'nbf', 'auth_time']);

/** A claim's value for people: times (epoch seconds) as the clock shows them, objects as JSON, the rest as it stands. */
export function showClaim(claim: string, value: unknown, locale?: string): string {
  if (TIMES.has(claim) && typeof value === 'number') {
    return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(value * 1000);
  }
  return typeof value === 'string' ? value : compactJson(value);
}

const LONGEST_LINE = 64;

/** On one line as long as it is short. */
function compactJson(value: unknown): string {
  const lines = JSON.stringify(value, null, 1);
  const oneLine = lines.replaceAll(/\n\s*/g, ' ');
  return oneLine.length <= LONGEST_LINE ? oneLine : JSON.stringify(value, null, 2);
}
