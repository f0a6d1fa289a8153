import { Writable } from 'node:stream';
import { createLogger, type Logger } from '../../src/logging.ts';

export { startProcess, type ServiceProcess, type StartProcessOptions } from './process.ts';
export { startRedis, type RedisServer } from './redis.ts';
export { startTlsServer, type TlsServer } from './tls-server.ts';

export interface CapturedLog {
  readonly logger: Logger;
  /** Everything that was written so far. */
  text(): string;
}

/** The real logger at its most talkative, writing into memory. */
export function captureLog(service: string): CapturedLog {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return {
    logger: createLogger({ service, level: 'trace', destination }),
    text: () => lines.join(''),
  };
}
