import { expect, it } from 'vitest';
import { originalText, withoutControls } from '../../src/text/original-text.ts';

it.each([
  ['  plain ', 'plain'],
  ['a\u{202E}b', 'a\\u{202E}b'],
  ['a\u{0}b', 'a\\u{0}b'],
  ['a\nb', 'a b'],
  ['می\u{200C}خواهم', 'می\u{200C}خواهم'],
])('shows %j without anything invisible', (text, shown) => {
  expect(originalText(text)).toBe(shown);
});

it('is not longer than a paragraph', () => {
  expect(originalText('x'.repeat(3000))).toHaveLength(601);
});

it('leaves invisible characters out of a name', () => {
  expect(withoutControls('Ali\u{202E}ce\u{2066}')).toBe('Alice');
});
