import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, it } from 'vitest';

const LARGEST_FIRST_PAGE_BYTES = 200_000;

it('sends less than 200 kB of compressed JavaScript for the first page', async () => {
  const built = await build({
    root: join(import.meta.dirname, '..', '..'),
    logLevel: 'silent',
    mode: 'production',
    build: { write: false },
  });
  const { output } = [built].flat()[0] as Rolldown.RolldownOutput;
  const chunks = output.filter((file) => file.type === 'chunk');
  const entry = chunks.find(({ isEntry }) => isEntry);
  const first = chunks.filter(
    ({ fileName }) => fileName === entry?.fileName || entry?.imports.includes(fileName),
  );
  const bytes = first.reduce((total, { code }) => total + gzipSync(code).length, 0);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(LARGEST_FIRST_PAGE_BYTES);
});
