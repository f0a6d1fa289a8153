import { expect, it } from 'vitest';
import { asSentence } from '../../src/components/sentence.ts';

it.each([
  ['the token is no longer good', 'The token is no longer good.'],
  ['Try again.', 'Try again.'],
  ['  is it you? ', 'Is it you?'],
  ['may_act does not permit this actor', 'may_act does not permit this actor.'],
  ['', undefined],
  [undefined, undefined],
])('makes a sentence of %j', (text, sentence) => {
  expect(asSentence(text)).toBe(sentence);
});
