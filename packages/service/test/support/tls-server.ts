import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { RequestListener } from 'node:http';

export interface TlsServer {
  readonly origin: string;
  /** In PEM, for another process that is to take it (`NODE_EXTRA_CA_CERTS`). */
  readonly certificate: string;
  /** The paths that were asked for, in order. */
  readonly requests: readonly string[];
  answer: RequestListener;
  close(): Promise<void>;
}

/** An https server for `localhost`, whose certificate this process takes until it is closed. */
export async function startTlsServer(): Promise<TlsServer> {
  const { certificate, key } = selfSigned('localhost');
  const authorities = getCACertificates('default');
  setDefaultCACertificates([...authorities, certificate]);
  const requests: string[] = [];
  const server: Server = createServer({ cert: certificate, key }, (request, response) => {
    requests.push(request.url ?? '');
    self.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const self: TlsServer = {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    certificate,
    requests,
    answer: (_request, response) => void response.end(),
    async close() {
      setDefaultCACertificates(authorities);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

/** A certificate (RFC 5280 §4.1) for one name and a day, in PEM, with its key. */
function selfSigned(name: string): { readonly certificate: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const subject = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
  const time = (at: number) => der(0x18, Buffer.from(new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')));
  const alternativeName = sequence(der(0x82, Buffer.from(name)));
  const isAuthority = sequence(der(0x01, Buffer.from([0xff])));
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    subject,
    sequence(time(Date.now() - 3_600_000), time(Date.now() + 86_400_000)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(oid('551d11'), der(0x04, alternativeName)),
        sequence(oid('551d13'), der(0x04, isAuthority)),
      ),
    ),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', signed, privateKey));
  const pem = sequence(signed, ecdsaWithSha256, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...contents: readonly Buffer[]) => der(0x30, ...contents);

const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
