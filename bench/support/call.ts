import { Agent, request, type IncomingHttpHeaders } from 'node:http';

export interface Call {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One request on a kept connection, over plain node:http: the client's own cost stays small. */
export async function send({ url, method = 'GET', headers = {}, body }: Call): Promise<Answer> {
  const done = Promise.withResolvers<Answer>();
  const outgoing = request(url, { method, headers, agent }, (response) => {
    let text = '';
    response
      .setEncoding('utf8')
      .on('data', (part: string) => (text += part))
      .on('end', () =>
        done.resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
  });
  outgoing.once('error', done.reject);
  outgoing.end(body);
  return done.promise;
}

export function form(
  parameters: Readonly<Record<string, string>>,
): Pick<Call, 'method' | 'headers' | 'body'> {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(parameters).toString(),
  };
}
