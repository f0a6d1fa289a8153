import { watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { ROOT, type PartName } from '../system/index.ts';

const SERVICES: readonly PartName[] = ['sts', 'api1', 'api2', 'subscriptions'];
const SETTLE_MS = 200;

/**
 * Names the services whose sources were edited, once an edit has settled: its own folder for each, the packages for all
 * of them. The web client is not among them: Vite watches it. Returns how to stop watching.
 */
export function watchSources(onEdit: (names: readonly PartName[]) => void): () => void {
  const edited = new Set<PartName>();
  let timer: NodeJS.Timeout | undefined;
  const note = (names: readonly PartName[], file: string | null) => {
    if (file === null || !isSource(file)) return;
    for (const name of names) edited.add(name);
    clearTimeout(timer);
    timer = setTimeout(() => {
      onEdit([...edited]);
      edited.clear();
    }, SETTLE_MS);
  };
  const folders: [string, readonly PartName[]][] = [
    ...SERVICES.map((name): [string, PartName[]] => [join(ROOT, 'apps', name, 'src'), [name]]),
    ...['auth', 'database', 'extension-grants', 'service'].map((name): [string, readonly PartName[]] => [
      join(ROOT, 'packages', name, 'src'),
      SERVICES,
    ]),
  ];
  const watchers = folders.flatMap(([folder, names]) => watchFolder(folder, (file) => note(names, file)));
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

function watchFolder(folder: string, onChange: (file: string | null) => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { recursive: true }, (_event, file) => onChange(file));
    // Too many watches on this machine, say: edits then take a restart by hand.
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}

function isSource(file: string): boolean {
  return /\.(ts|css|html|svg)$/.test(file) && !file.endsWith('.test.ts');
}
