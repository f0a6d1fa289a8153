import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '@behalf/scripts/system';
import { describe, expect, test } from 'vitest';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const page = read('docs/operations.md');

const CONFIGURATIONS = globSync('apps/*/{src,server}/config.ts', { cwd: ROOT }).filter(
  (file) => file !== 'apps/web/src/config.ts',
);

const namesIn = (source: string) =>
  [...source.matchAll(/^ +([A-Z][A-Z0-9_]+): /gm)].map(([, name = '']) => name);

/** Settings of an API that have its name before them: `API1_PORT`. */
const PREFIXED = ['PORT', 'RESOURCE', 'CLIENT_ID', 'CLIENT_SECRET'];

/** The settings that a file names itself, and those that an API has from packages/service. */
function settingsOf(file: string): readonly string[] {
  const source = read(file);
  const api = /loadApiConfig\(\s*\{ service: '(\w+)'/.exec(source)?.[1]?.toUpperCase();
  if (api === undefined) return namesIn(source);
  const shared = namesIn(read('packages/service/src/api-config.ts'));
  return [...namesIn(source), ...shared.map((name) => (PREFIXED.includes(name) ? `${api}_${name}` : name))];
}

describe('docs/operations.md', () => {
  test.each(CONFIGURATIONS)('names every setting of %s', (file) => {
    const settings = settingsOf(file);
    expect(settings.length).toBeGreaterThan(5);
    expect(settings.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('names every command for operators', () => {
    const usage = /USAGE = `([^`]+)`/.exec(read('apps/sts/src/cli/run.ts'))?.[1] ?? '';
    const commands = [...usage.matchAll(/^ {2}([\w-]+)/gm)].map(([, name = '']) => name);
    expect(commands).toContain('revoke-all');
    expect(commands.filter((name) => !new RegExp(`^${name}\\b`, 'm').test(page))).toEqual([]);
  });
});
