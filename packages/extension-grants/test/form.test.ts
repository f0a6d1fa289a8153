import { parse } from 'node:querystring';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseForm } from '../src/form.ts';

const word = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0') && value.isWellFormed());

test('any form is read as the sender meant it, and oidc-provider reads the same from what is handed on', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, word), { maxLength: 20 }), (pairs) => {
      const sent = new URLSearchParams(pairs).toString();
      const parsed = parseForm(Buffer.from(sent), 100);
      if (!parsed.ok) throw new Error(parsed.description);
      const meant = Map.groupBy(
        pairs.filter(([name, value]) => name !== '' && value !== ''),
        ([name]) => name,
      );
      expect([...parsed.form.values]).toEqual(
        [...meant].map(([name, group]) => [name, group.map(([, value]) => value)]),
      );

      const engine = Object.entries(parse(parsed.form.body.toString()));
      expect(new Map(engine.map(([name, value]) => [name, [value].flat()]))).toEqual(parsed.form.values);
    }),
  );
});

test('no body makes it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(typeof parseForm(Buffer.from(bytes), 100).ok).toBe('boolean');
    }),
  );
});
