import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAmount, parseAmount, placesOf } from '../../src/domain/payment.ts';

const currency = fc.constantFrom('CHF', 'EUR', 'GBP', 'JPY', 'KWD', 'USD');

/** As many digits as a whole part may have, which are all of an amount in yen. */
const LARGEST = 10n ** 15n - 1n;

const minorUnits = fc.bigInt({ min: -LARGEST, max: LARGEST });

describe('money', () => {
  it('what is formatted parses to the same minor units, in every currency', () => {
    fc.assert(
      fc.property(minorUnits, currency, (units, code) => {
        expect(parseAmount(formatAmount(units, code), code)).toBe(units);
      }),
    );
  });

  it('what parses is formatted to the same text, save for the sign of zero', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^-?(0|[1-9]\d{0,14})\.\d\d$/), (text) => {
        const units = parseAmount(text, 'EUR');
        expect(units).toBeDefined();
        expect(formatAmount(units ?? 1n, 'EUR')).toBe(units === 0n ? '0.00' : text);
      }),
    );
  });

  it('never throws on any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, code) => {
        const units = parseAmount(text, code);
        expect(units === undefined || typeof units === 'bigint').toBe(true);
      }),
    );
  });

  it.each([
    [
      '0.1 + 0.2 is 0.30 exactly',
      (parseAmount('0.10', 'EUR') ?? 0n) + (parseAmount('0.20', 'EUR') ?? 0n),
      30n,
    ],
    [
      'the largest amount keeps its last digit',
      parseAmount('999999999999999.999', 'KWD'),
      999_999_999_999_999_999n,
    ],
    ['yen have no places', parseAmount('1250', 'JPY'), 1250n],
  ])('%s', (_fact, actual, expected) => {
    expect(actual).toBe(expected);
  });

  it.each([
    ['too few places', '12.5', 'EUR'],
    ['too many places', '12.500', 'EUR'],
    ['no places', '12', 'EUR'],
    ['places for yen', '12.00', 'JPY'],
    ['exponent', '1e3', 'JPY'],
    ['plus sign', '+1.00', 'EUR'],
    ['leading zero', '01.00', 'EUR'],
    ['nothing before the point', '.50', 'EUR'],
    ['grouping', '1,000.00', 'EUR'],
    ['space', ' 1.00', 'EUR'],
    ['line break', '1.00\n', 'EUR'],
    ['foreign digits', '١.٠٠', 'EUR'],
    ['16 digits before the point', '1000000000000000.00', 'EUR'],
    ['unknown currency', '1.00', 'XXX'],
    ['name of an object member as currency', '1', 'constructor'],
    ['empty', '', 'EUR'],
  ])('refuses %s', (_what, text, code) => {
    expect(parseAmount(text, code)).toBeUndefined();
  });

  it('formats small and negative amounts with all places', () => {
    expect([
      formatAmount(5n, 'EUR'),
      formatAmount(-5n, 'EUR'),
      formatAmount(0n, 'KWD'),
      formatAmount(0n, 'JPY'),
    ]).toEqual(['0.05', '-0.05', '0.000', '0']);
    expect(placesOf('toString')).toBeUndefined();
    expect(() => formatAmount(1n, 'XXX')).toThrow(RangeError);
  });
});
