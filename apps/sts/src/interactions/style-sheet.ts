import { readFileSync } from 'node:fs';

const FILES = ['theme.css', 'pages.css'].map((name) => new URL(name, import.meta.url));
let read: string | undefined;

/** The one style sheet of the pages: the shared tokens, then what is drawn with them. */
export function styleSheet(): string {
  read ??= FILES.map((file) => readFileSync(file, 'utf8')).join('\n');
  return read;
}
