/**
 * Money: whole minor units (cents, yen) inside, decimal strings with the currency's places outside. Never a float.
 */

/** Decimal places of each currency that the bank keeps accounts in (ISO 4217). */
const PLACES: Readonly<Record<string, number>> = { CHF: 2, EUR: 2, GBP: 2, JPY: 0, KWD: 3, USD: 2 };

/** Longer whole parts are malformed; with three places the result still fits a 64-bit integer. */
const MAXIMUM_WHOLE_DIGITS = 15;

const DECIMAL = /^(?<sign>-?)(?<whole>0|[1-9]\d*)(?:\.(?<fraction>\d+))?$/;

/** Decimal places of a currency; undefined for one in which no account can be. */
export function placesOf(currency: string): number | undefined {
  return Object.hasOwn(PLACES, currency) ? PLACES[currency] : undefined;
}

/**
 * Minor units of a decimal string such as `12.50`; undefined unless it has exactly the currency's places, no leading
 * zeros, no exponent, no plus sign, and at most 15 digits before the point. Zero and negative amounts parse.
 */
export function parseAmount(text: string, currency: string): bigint | undefined {
  const places = placesOf(currency);
  const { sign, whole, fraction = '' } = DECIMAL.exec(text)?.groups ?? {};
  if (places === undefined || whole === undefined) return undefined;
  if (whole.length > MAXIMUM_WHOLE_DIGITS || fraction.length !== places) return undefined;
  const units = BigInt(whole + fraction);
  return sign === '-' ? -units : units;
}

/** The decimal string of an amount in minor units. Throws RangeError for a currency that the bank does not keep. */
export function formatAmount(minorUnits: bigint, currency: string): string {
  const places = placesOf(currency);
  if (places === undefined) throw new RangeError(`no accounts are kept in ${currency}`);
  const sign = minorUnits < 0n ? '-' : '';
  const digits = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(places + 1, '0');
  if (places === 0) return sign + digits;
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
