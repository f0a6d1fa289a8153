import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, it } from 'vitest';

const LARGEST_FIRST_PAGE_BYTES = 200_000;

it('sends less than 200 kB for the first page: compressed scripts and styles, and the font', async () => {
  const built = await build({
    root: join(import.meta.dirname, '..', '..'),
    logLevel: 'silent',
    mode: 'production',
    // As it is deployed: Vitest's own value would bring React's development build.
    define: { 'process.env.NODE_ENV': JSON.stringify('production') },
    build: { write: false },
  });
  const { output } = [built].flat()[0] as Rolldown.RolldownOutput;
  const chunks = output.filter((file) => file.type === 'chunk');
  const entry = chunks.find(({ isEntry }) => isEntry);
  const scripts = chunks.filter(
    ({ fileName }) => fileName === entry?.fileName || entry?.imports.includes(fileName),
  );
  const sizeOf = (name: RegExp) =>
    output.flatMap((file) =>
      file.type === 'asset' && name.test(file.fileName) ? [Buffer.from(file.source)] : [],
    );
  const compressed = [...scripts.map(({ code }) => Buffer.from(code)), ...sizeOf(/index-.*\.css$/)];
  const [font] = sizeOf(/\.woff2$/);
  const bytes = compressed.reduce((total, part) => total + gzipSync(part).length, font?.length ?? Infinity);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(LARGEST_FIRST_PAGE_BYTES);
});
