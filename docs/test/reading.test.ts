import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const DOCS = resolve(import.meta.dirname, '..');
const PAGE = resolve(DOCS, 'reading.md');
const ROW = /^(\| \d+ \| \[[^\]]+\]\()([^)]+)(\) \| )\d+( \|.*)$/gm;
const MAXIMUM_FILES = 26;
const MAXIMUM_LINES = 3470;

const page = readFileSync(PAGE, 'utf8');
const files = [...page.matchAll(ROW)].map(([, , link = '']) => link);
const linesOf = (link: string) => readFileSync(resolve(DOCS, link), 'utf8').split('\n').length - 1;
const sum = files.reduce((total, link) => total + linesOf(link), 0);

test('the core can be read in an hour', () => {
  expect(files.length).toBeGreaterThan(20);
  expect(new Set(files).size).toBe(files.length);
  expect(files.length).toBeLessThanOrEqual(MAXIMUM_FILES);
  expect(sum).toBeLessThanOrEqual(MAXIMUM_LINES);
});

test('docs/reading.md has the true numbers of lines (`vitest run -u` writes them)', async () => {
  const counted = page
    .replace(ROW, (_row, start: string, link: string, middle: string, end: string) =>
      [start, link, middle, linesOf(link), end].join(''),
    )
    .replace(/^Together: .*$/m, `Together: ${sum} lines in ${files.length} files.`);
  await expect(counted).toMatchFileSnapshot(PAGE);
});
