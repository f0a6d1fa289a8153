import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const FILE = fileURLToPath(new URL('../requirements.md', import.meta.url));

const ROWS = readFileSync(FILE, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes(']('));

/** `[grants.test.ts](../apps/…/grants.test.ts): “title”` */
const NAMED_TEST = /\]\(([^)]+\.test\.ts)\): “([^”]+)”/g;

const LINK = /\]\(([^)]+)\)/g;

const at = (link: string) => resolve(dirname(FILE), link);

const namedTests = ROWS.flatMap((row) =>
  [...row.matchAll(NAMED_TEST)].map(([, link = '', title = '']) => [title, link] as const),
);

const links = [...new Set(ROWS.flatMap((row) => [...row.matchAll(LINK)].map(([, link = '']) => link)))];

/** Whether a test file has exactly this text as a title, or as the name of a row of a table. */
function hasTitle(source: string, title: string): boolean {
  return [`'${title}'`, `"${title}"`, `\`${title}\``].some((quoted) => source.includes(quoted));
}

describe('docs/requirements.md', () => {
  test('has a test in every row', () => {
    expect(ROWS.length).toBeGreaterThan(100);
    expect(ROWS.filter((row) => row.match(NAMED_TEST) === null)).toEqual([]);
  });

  test.each(links)('names a file that exists: %s', (link) => {
    expect(existsSync(at(link))).toBe(true);
  });

  test.each(namedTests)('names a test that exists: %s', (title, link) => {
    expect(hasTitle(readFileSync(at(link), 'utf8'), title)).toBe(true);
  });
});
