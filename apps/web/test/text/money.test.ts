import { describe, expect, it } from 'vitest';
import { exceeds, formatMoney, parseAmount, placesOf, share } from '../../src/text/money.ts';

describe('an amount that a person types', () => {
  it.each([
    ['12.5', 'EUR', 'en', '12.50'],
    [' 12 ', 'EUR', 'en', '12.00'],
    ['.5', 'EUR', 'en', '0.50'],
    ['0012.30', 'EUR', 'en', '12.30'],
    ['12,5', 'EUR', 'de', '12.50'],
    ['12.5', 'EUR', 'de', '12.50'],
    ['1200', 'JPY', 'en', '1200'],
    ['1.234', 'BHD', 'en', '1.234'],
    ['١٢٫٥', 'EUR', 'ar-EG', '12.50'],
    ['999999999999999.99', 'EUR', 'en', '999999999999999.99'],
  ])('%s in %s (%s) is %s', (text, currency, locale, amount) => {
    expect(parseAmount(text, currency, locale)).toEqual({ ok: true, amount });
  });

  it.each([
    ['', 'EUR', 'missing'],
    ['   ', 'EUR', 'missing'],
    ['twelve', 'EUR', 'not_a_number'],
    ['.', 'EUR', 'not_a_number'],
    ['-', 'EUR', 'not_a_number'],
    ['1e3', 'EUR', 'not_a_number'],
    ['1,234', 'EUR', 'not_a_number'],
    ['1,234.50', 'EUR', 'not_a_number'],
    ['12.505', 'EUR', 'too_many_places'],
    ['12.5', 'JPY', 'too_many_places'],
    ['0', 'EUR', 'not_positive'],
    ['0.00', 'EUR', 'not_positive'],
    ['-5', 'EUR', 'not_positive'],
    ['1000000000000000', 'EUR', 'too_long'],
  ])('%s in %s is refused: %s', (text, currency, fault) => {
    expect(parseAmount(text, currency, 'en')).toEqual({ ok: false, fault });
  });
});

describe('amounts for people', () => {
  it('keeps every digit of an amount that a float would round', () => {
    expect(formatMoney('9007199254740993.01', 'EUR', 'en')).toBe('€9,007,199,254,740,993.01');
  });

  it('follows the locale', () => {
    expect(formatMoney('1234.50', 'EUR', 'de').replaceAll(/\s/g, ' ')).toBe('1.234,50 €');
  });

  it('shows an amount in a malformed currency as it stands', () => {
    expect(formatMoney('12.50', '??', 'en')).toBe('12.50 ??');
  });

  it('knows the places of a currency', () => {
    expect([placesOf('EUR'), placesOf('JPY'), placesOf('BHD'), placesOf('??')]).toEqual([2, 0, 3, 2]);
  });

  it('compares amounts exactly', () => {
    expect(exceeds('9007199254740993.01', '9007199254740993.00', 'EUR')).toBe(true);
    expect(exceeds('10.00', '10.00', 'EUR')).toBe(false);
    expect(exceeds('0.01', '-5.00', 'EUR')).toBe(true);
  });

  it('draws bars in proportion to the largest, and none when there is nothing', () => {
    expect(share('5.00', ['5.00', '20.00'], 'EUR')).toBe(25);
    expect(share('0.00', ['0.00'], 'EUR')).toBe(0);
  });
});
