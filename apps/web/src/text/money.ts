/** Money is a decimal string and a currency from end to end; no amount ever becomes a float here. */

/** How many places an amount in `currency` has: 2 for EUR, 0 for JPY. An unknown code has 2. */
export function placesOf(currency: string): number {
  try {
    const options = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
    return options.maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/** An amount for people, in the way of their locale: `1234.50` EUR is `€1,234.50` or `1.234,50 €`. */
export function formatMoney(amount: string, currency: string, locale?: string): string {
  try {
    // Intl takes decimal strings exactly, digit by digit; a number would round large amounts.
    return new Intl.NumberFormat(locale, { style: 'currency', currency }).format(amount as `${number}`);
  } catch {
    return `${amount} ${currency}`;
  }
}

export type ParsedAmount =
  | { readonly ok: true; /** With the currency's places, as the API wants it. */ readonly amount: string }
  | {
      readonly ok: false;
      readonly fault: 'missing' | 'not_a_number' | 'too_many_places' | 'not_positive' | 'too_long';
    };

const LONGEST_WHOLE_PART = 15;

/**
 * Reads what a person typed. The decimal separator is the locale's own or a point; a separator of thousands is not taken,
 * because `1,234` means two things in two countries. Digits of other scripts are taken.
 */
export function parseAmount(text: string, currency: string, locale?: string): ParsedAmount {
  const typed = asciiDigits(text.trim(), locale);
  if (typed === '') return { ok: false, fault: 'missing' };
  const separator = decimalSeparator(locale);
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(separator === '.' ? typed : typed.replace(separator, '.'));
  const [, sign = '', typedWhole = '', fraction = ''] = match ?? [];
  if (!match || `${typedWhole}${fraction}` === '') return { ok: false, fault: 'not_a_number' };
  const whole = typedWhole.replace(/^0+(?=\d)/, '') || '0';
  const places = placesOf(currency);
  if (fraction.length > places) return { ok: false, fault: 'too_many_places' };
  if (whole.length > LONGEST_WHOLE_PART) return { ok: false, fault: 'too_long' };
  if (sign === '-' || /^0*$/.test(whole + fraction)) return { ok: false, fault: 'not_positive' };
  return { ok: true, amount: places === 0 ? whole : `${whole}.${fraction.padEnd(places, '0')}` };
}

/** Whether `amount` is more than `balance`; both are decimal strings of one currency. */
export function exceeds(amount: string, balance: string, currency: string): boolean {
  const places = placesOf(currency);
  return minorUnits(amount, places) > minorUnits(balance, places);
}

/** How long a bar for `amount` is beside the largest of `all`, in per cent (0 to 100): for drawing, not for reckoning. */
export function share(amount: string, all: readonly string[], currency: string): number {
  const places = placesOf(currency);
  const largest = all.map((other) => minorUnits(other, places)).reduce((a, b) => (a > b ? a : b), 0n);
  return largest <= 0n ? 0 : Number((minorUnits(amount, places) * 1000n) / largest) / 10;
}

function minorUnits(amount: string, places: number): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(places, '0').slice(0, places));
}

function decimalSeparator(locale: string | undefined): string {
  const parts = new Intl.NumberFormat(locale, { numberingSystem: 'latn' }).formatToParts(1.5);
  return parts.find(({ type }) => type === 'decimal')?.value ?? '.';
}

/** Arabic-Indic and other decimal digits as 0–9, and the Arabic decimal separator as a point. */
function asciiDigits(text: string, locale: string | undefined): string {
  const digits = new Map<string, string>();
  for (const system of ['arab', 'arabext', 'deva', 'beng', 'thai', 'fullwide']) {
    const format = new Intl.NumberFormat(locale ?? 'en', { numberingSystem: system, useGrouping: false });
    for (let digit = 0; digit <= 9; digit += 1) digits.set(format.format(digit), String(digit));
  }
  return [...text]
    .map((character) => digits.get(character) ?? (character === '٫' ? '.' : character))
    .join('');
}
