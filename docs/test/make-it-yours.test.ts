import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '@behalf/scripts/system';
import { expect, test } from 'vitest';

const page = readFileSync(join(ROOT, 'docs/make-it-yours.md'), 'utf8');

test('docs/make-it-yours.md names files that exist', () => {
  const files = [...page.matchAll(/`((?:apps|docs|deploy)\/[^`]+)`/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});

test('docs/make-it-yours.md names commands that there are', () => {
  const usage = readFileSync(join(ROOT, 'apps/sts/src/cli/run.ts'), 'utf8');
  const commands = [...page.matchAll(/pnpm sts (\w+) (\w+)/g)];
  expect(commands.length).toBeGreaterThan(3);
  for (const [, name = '', action = ''] of commands) {
    expect(usage).toMatch(new RegExp(`^ +${name} [\\w|-]*\\b${action}\\b`, 'm'));
  }
});
