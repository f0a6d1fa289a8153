import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const FILE = fileURLToPath(new URL('../../../docs/requirements.md', import.meta.url));
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

describe('docs/threats.md', () => {
  const page = readFileSync(at('threats.md'), 'utf8');
  const named = [
    ...new Set([...page.matchAll(/`((?:apps|packages|e2e|scripts)\/[^`*]+)`/g)].map(([, path = '']) => path)),
  ];

  test('names a test in every row of an attack', () => {
    const rows = page.split('\n').filter((line) => /^\| (?!attack|---)/.test(line));
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.filter((row) => !/`(apps|packages|e2e|scripts)\/[^`]+` ?(\([^)]*\) )?\|$/.test(row))).toEqual(
      [],
    );
  });

  test.each(named)('names what exists: %s', (path) => {
    expect(existsSync(at(`../${path}`))).toBe(true);
  });
});

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
