/** Lines that `pnpm dev` writes for a person. */
import { stripVTControlCharacters, styleText } from 'node:util';
import { SERVICES, type ServiceName } from '@behalf/service/services';
import type { LocalService } from '../system/addresses.ts';

const COLOURS = ['cyan', 'green', 'yellow', 'magenta', 'blue', 'red'] as const;
const NAME_WIDTH = Math.max(...SERVICES.map(({ name }) => name.length));

/** A line that a service has written, under the service's name. */
export function serviceLine(name: ServiceName, line: string): string {
  const position = SERVICES.findIndex((service) => service.name === name);
  const colour = COLOURS[position % COLOURS.length] ?? 'white';
  return `${styleText(colour, name.padEnd(NAME_WIDTH))} │ ${readable(line)}`;
}

export function notice(text: string): string {
  return styleText('bold', text);
}

/** Tells where to go, once all services are ready. */
export function readyBox(services: readonly LocalService[], seconds: number): string {
  const pages = services.filter(({ kind }) => kind === 'page');
  const others = services.filter(({ kind }) => kind !== 'page');
  const lines = [
    styleText(['bold', 'green'], `Behalf is ready (${seconds.toFixed(1)} s)`),
    '',
    ...pages.map(({ address }) => `  open ${styleText('bold', address)} and sign in:`),
    '',
    '  alice / alice   active subscription',
    '  bob   / bob     lapsed subscription',
    '  carol / carol   no subscription',
    '  dave  / dave    lets nobody here act for him',
    '',
    '  The services behind it have no pages of their own. To look at:',
    ...others.map(({ name, address, opens }) => `  ${name.padEnd(NAME_WIDTH)}  ${address}${opens}`),
    '',
    '  Then look at "What each service saw": your token, and the one that',
    '  API1 got to act for you. Ctrl-C stops everything.',
  ];
  const lengths = lines.map((line) => stripVTControlCharacters(line).length);
  const width = Math.max(...lengths);
  const bar = '─'.repeat(width + 2);
  const inside = lines.map((line, index) => `│ ${line}${' '.repeat(width - (lengths[index] ?? 0))} │`);
  return [`╭${bar}╮`, ...inside, `╰${bar}╯`].join('\n');
}

/** A service's JSON line as level, message and members; any other line as it is. */
function readable(line: string): string {
  const record = parseRecord(line);
  if (record === undefined) return line;
  const { level, time: _time, service: _service, msg, ...rest } = record;
  const mark = level === 'info' ? '' : `${String(level)}: `;
  if (typeof rest['method'] === 'string' && typeof rest['path'] === 'string') {
    const { method, path, status, ms, request_id: _requestId, ...more } = rest;
    return `${mark}${method} ${path} ${String(status)} ${String(ms)} ms${members(more)}`;
  }
  return `${mark}${typeof msg === 'string' ? msg : ''}${members(rest)}`;
}

function members(record: Readonly<Record<string, unknown>>): string {
  return Object.entries(record)
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
