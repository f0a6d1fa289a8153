/** An ISO date (`2026-11-22`) as a day in the reader's way; no time zone moves it. */
export function formatDay(isoDate: string, locale?: string): string {
  return format(`${isoDate}T00:00:00Z`, { dateStyle: 'medium', timeZone: 'UTC' }, locale) ?? isoDate;
}

/** `2026-11` as a month. */
export function formatMonth(isoMonth: string, locale?: string): string {
  const options = { year: 'numeric', month: 'short', timeZone: 'UTC' } as const;
  return format(`${isoMonth}-01T00:00:00Z`, options, locale) ?? isoMonth;
}

/** Epoch seconds as a day and a time in the reader's own time zone. */
export function formatMoment(epochSeconds: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(
    epochSeconds * 1000,
  );
}

/** Epoch seconds as a time of the day in the reader's own time zone. */
export function formatTime(epochSeconds: number, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(epochSeconds * 1000);
}

function format(
  iso: string,
  options: Intl.DateTimeFormatOptions,
  locale: string | undefined,
): string | undefined {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? undefined : new Intl.DateTimeFormat(locale, options).format(time);
}

/** A duration for people: `9.8 ms`, `1,315 ms`. */
export function formatMs(ms: number, locale?: string): string {
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: 'millisecond',
    maximumFractionDigits: ms < 10 ? 1 : 0,
  }).format(ms);
}
