/** A duration for people: `9.8 ms`, `1,315 ms`. */
export function formatMs(ms: number, locale?: string): string {
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: 'millisecond',
    maximumFractionDigits: ms < 10 ? 1 : 0,
  }).format(ms);
}
