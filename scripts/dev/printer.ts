import { stripVTControlCharacters, styleText } from 'node:util';
import type { Part, PartName } from '../system/index.ts';

type Colour = 'cyan' | 'green' | 'yellow' | 'magenta' | 'blue';

const COLOURS: Readonly<Record<PartName, Colour>> = {
  sts: 'cyan',
  api1: 'green',
  api2: 'yellow',
  subscriptions: 'magenta',
  web: 'blue',
};

/** What of a service says something in a browser; everything else of it wants a token. */
const WORTH_OPENING: Readonly<Record<Exclude<PartName, 'web'>, string>> = {
  sts: '/.well-known/openid-configuration',
  api1: '/.well-known/oauth-protected-resource',
  api2: '/.well-known/oauth-protected-resource',
  subscriptions: '/.well-known/oauth-protected-resource',
};

/** A line of one part, under its name. */
export function partLine(name: PartName, line: string): string {
  return `${styleText(COLOURS[name], name.padEnd(13))} │ ${readable(line)}`;
}

/** What the person who runs the command is told. */
export function notice(text: string): string {
  return styleText('bold', text);
}

export function readyBox(parts: readonly Part[], seconds: number): string {
  const addresses = parts.flatMap(({ name, address }) =>
    name === 'web' ? [] : [`  ${name.padEnd(14)} ${address}${WORTH_OPENING[name]}`],
  );
  const web = parts.find(({ name }) => name === 'web');
  return box([
    styleText(['bold', 'green'], `Behalf is ready (${seconds.toFixed(1)} s)`),
    '',
    `  open ${styleText('bold', web?.address ?? '')} and sign in:`,
    '',
    '  alice / alice   active subscription',
    '  bob   / bob     lapsed subscription',
    '  carol / carol   no subscription',
    '  dave  / dave    lets nobody here act for him',
    '',
    '  The services behind it have no pages of their own. To look at:',
    ...addresses,
    '',
    '  Then look at "What each service saw": your token, and the one that',
    '  API1 got to act for you. Ctrl-C stops everything.',
  ]);
}

function box(lines: readonly string[]): string {
  const width = Math.max(...lines.map((line) => stripVTControlCharacters(line).length));
  const bar = '─'.repeat(width + 2);
  const inside = lines.map(
    (line) => `│ ${line}${' '.repeat(width - stripVTControlCharacters(line).length)} │`,
  );
  return [`╭${bar}╮`, ...inside, `╰${bar}╯`].join('\n');
}

/** The services write JSON lines; a person reads level, message and what belongs to it. Anything else stays as it is. */
function readable(line: string): string {
  const record = parseRecord(line);
  if (record === undefined) return line;
  const { level, time: _time, service: _service, msg, ...rest } = record;
  const mark = level === 'info' ? '' : `${String(level)}: `;
  if (typeof rest['method'] === 'string' && typeof rest['path'] === 'string') {
    const { method, path, status, ms, ...more } = rest;
    return `${mark}${method} ${path} ${String(status)} ${String(ms)} ms${members(more, ['request_id'])}`;
  }
  return `${mark}${typeof msg === 'string' ? msg : ''}${members(rest, [])}`;
}

function members(record: Readonly<Record<string, unknown>>, hidden: readonly string[]): string {
  return Object.entries(record)
    .filter(([name]) => !hidden.includes(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
}

function parseRecord(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'level' in value ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
