const TIMES = new Set(['iat', 'exp', 'nbf', 'auth_time']);

/** A claim's value for people: times (epoch seconds) as the clock shows them, objects as JSON, the rest as it stands. */
export function showClaim(claim: string, value: unknown, locale?: string): string {
  if (TIMES.has(claim) && typeof value === 'number') {
    return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(value * 1000);
  }
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
