import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const rows = readFileSync(`${ROOT}/docs/threats.md`, 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| attack') && !line.startsWith('| ---'));

const namedTests = rows.map((row) => {
  const cells = row.split(' | ');
  return {
    attack: (cells[0] ?? '').replace(/^\| /, ''),
    files: [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  };
});

test.each(namedTests)('docs/threats.md names tests that exist against: $attack', ({ files }) => {
  expect(files).not.toEqual([]);
  expect(files.filter((file) => globSync(file, { cwd: ROOT }).length === 0)).toEqual([]);
});
