/**
 * The load: HTTP/1.1 over kept connections and plain sockets, one request under way on each. It writes requests that were made
 * before and reads no more of an answer than its status and length, so that it is several times faster than any server here.
 */
import { connect } from 'node:net';

export interface Call {
  /** A whole request, head and body. */
  readonly bytes: Buffer;
  /** The status that is expected: another one ends the measurement. */
  readonly status: number;
}

export interface Load {
  /** The connections take turns with the servers. */
  readonly ports: readonly number[];
  readonly connections: number;
  /** Made in turn, again and again. */
  readonly calls: readonly Call[];
  /** Each call is made once, and the load ends with the last one. */
  readonly once?: boolean;
}

export interface Figures {
  readonly calls: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs a load for some seconds, or for a number of calls, whichever ends first. Throws on an unexpected answer. */
export async function run(load: Load, limit: { seconds?: number; calls?: number }): Promise<Figures> {
  const { ports, connections, calls, once = false } = load;
  const most = Math.min(limit.calls ?? Infinity, once ? calls.length : Infinity);
  const durations: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + 1000 * (limit.seconds ?? Infinity);
  const connection = async (index: number) => {
    const socket = await open(ports[index % ports.length] ?? 0);
    while (next < most && performance.now() < endsAt) {
      const call = calls[next++ % calls.length];
      if (call === undefined) throw new Error('there are no calls to make');
      const sentAt = performance.now();
      const { status, text } = await socket.send(call.bytes);
      durations.push(performance.now() - sentAt);
      if (status !== call.status)
        throw new Error(`${status} instead of ${call.status}: ${text().slice(0, 500)}`);
    }
    socket.end();
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => connection(index)));
  const seconds = (performance.now() - startedAt) / 1000;
  const sorted = Float64Array.from(durations).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { calls: sorted.length, perSecond: sorted.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

export function get(path: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${head(headers)}\r\n`);
}

export function post(path: string, parameters: Readonly<Record<string, string>>): Buffer {
  const body = new URLSearchParams(parameters).toString();
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(Buffer.byteLength(body)),
  };
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${head(headers)}\r\n${body}`);
}

function head(headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ host: 'localhost', ...headers });
  return lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

interface Answer {
  readonly status: number;
  readonly text: () => string;
}

async function open(port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let waiting = Promise.withResolvers<Answer>();
  let received: Buffer = Buffer.alloc(0);
  socket.on('data', (part) => {
    received = received.length === 0 ? part : Buffer.concat([received, part]);
    const headEnd = received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const answerHead = received.toString('latin1', 0, headEnd);
    const length = /content-length: (\d+)/i.exec(answerHead)?.[1];
    const isComplete =
      length === undefined
        ? received.subarray(-5).equals(LAST_CHUNK)
        : received.length >= headEnd + 4 + Number(length);
    if (!isComplete) return;
    const whole = received;
    received = Buffer.alloc(0);
    waiting.resolve({ status: Number(answerHead.slice(9, 12)), text: () => whole.toString() });
  });
  socket.on('error', (error) => waiting.reject(error));
  socket.on('close', () => waiting.reject(new Error(`port ${port} closed the connection`)));
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  waiting.promise.catch(() => undefined);
  return {
    send(bytes: Buffer): Promise<Answer> {
      waiting = Promise.withResolvers<Answer>();
      waiting.promise.catch(() => undefined);
      socket.write(bytes);
      return waiting.promise;
    },
    end: () => socket.destroy(),
  };
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
