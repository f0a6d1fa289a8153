import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '@behalf/scripts/system';
import { describe, expect, test } from 'vitest';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/operations.md');

const CONFIGURATIONS = globSync(['apps/*/{src,server}/config.ts', 'packages/service/src/api-config.ts'], {
  cwd: ROOT,
}).filter((file) => !['apps/web/src/config.ts', 'apps/subscriptions/src/config.ts'].includes(file));

describe('docs/operations.md', () => {
  test.each(CONFIGURATIONS)('names every setting of %s', (file) => {
    const settings = [...read(file).matchAll(/^ {2,}([A-Z][A-Z0-9_]+): /gm)].map(([, name = '']) => name);
    expect(settings).not.toEqual([]);
    expect(settings.filter((name) => !new RegExp(`\`([A-Z0-9]+_)?${name}\``).test(page))).toEqual([]);
  });

  test('names every command for operators', () => {
    const usage = /USAGE = `([^`]+)`/.exec(read('apps/sts/src/cli/run.ts'))?.[1] ?? '';
    const commands = [...usage.matchAll(/^ {2}([\w-]+)/gm)].map(([, name = '']) => name);
    expect(commands).toContain('revoke-all');
    expect(commands.filter((name) => !new RegExp(`^${name}\\b`, 'm').test(page))).toEqual([]);
  });
});
