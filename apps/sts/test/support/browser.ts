/**
 * As much of a browser as signing in needs: cookies with their paths, redirects, and forms. It runs no script, like a
 * browser whose script is switched off.
 */
interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

export interface BrowserPage {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface Form {
  readonly action: string;
  readonly method: string;
  readonly fields: Record<string, string>;
}

const MAXIMUM_REDIRECTS = 10;

export class Browser {
  readonly #origin: string;
  readonly #address: string;
  #cookies: readonly Cookie[] = [];
  /** Its User-Agent; by default that of fetch. */
  userAgent: string | undefined;

  /**
   * `origin`: the only server that is really asked, at `address`. A redirect to anywhere else ends there, unfollowed.
   */
  constructor(origin: string, address = origin) {
    this.#origin = origin;
    this.#address = address;
  }

  get cookies(): readonly Cookie[] {
    return this.#cookies;
  }

  async open(url: string): Promise<BrowserPage> {
    return this.#follow(await this.#send('GET', new URL(url, this.#origin)));
  }

  /** Sends the page's first form, filled in, with `Origin` as browsers do. */
  async submit(
    page: BrowserPage,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<BrowserPage> {
    const form = formOf(page);
    const url = new URL(form.action, page.url);
    const body = new URLSearchParams({ ...form.fields, ...fields });
    return this.#follow(await this.#send('POST', url, body, { origin: this.#origin, ...headers }));
  }

  async #follow(first: BrowserPage): Promise<BrowserPage> {
    let page = first;
    for (let redirects = 0; redirects < MAXIMUM_REDIRECTS; redirects += 1) {
      const location = page.headers.get('location');
      if (location === null || page.status < 300 || page.status > 399) return page;
      const next = new URL(location, page.url);
      if (next.origin !== this.#origin) return { ...page, url: next.href, body: '' };
      page = await this.#send('GET', next);
    }
    throw new Error('too many redirects');
  }

  async #send(
    method: string,
    url: URL,
    body?: URLSearchParams,
    headers: Record<string, string> = {},
  ): Promise<BrowserPage> {
    const cookie = this.#cookies
      .filter(
        ({ path }) =>
          url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const response = await fetch(new URL(url.pathname + url.search, this.#address), {
      method,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        ...(cookie === '' ? {} : { cookie }),
        ...(this.userAgent === undefined ? {} : { 'user-agent': this.userAgent }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line, url);
    return { url: url.href, status: response.status, headers: response.headers, body: await response.text() };
  }

  #keep(line: string, url: URL): void {
    const [pair = '', ...attributes] = line.split(/;\s*/);
    const [name = '', ...value] = pair.split('=');
    const attribute = (key: string) =>
      attributes.find((text) => text.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
    const path = attribute('path') ?? url.pathname;
    if (breaksPrefix(name, attributes, path)) return;
    const expires = attribute('expires');
    const isGone = expires !== undefined && Date.parse(expires) < Date.now();
    const others = this.#cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
    this.#cookies = isGone ? others : [...others, { name, value: value.join('='), path }];
  }
}

/** RFC 6265bis §4.1.3: a name with a prefix promises attributes, else browsers drop the cookie. */
function breaksPrefix(name: string, attributes: readonly string[], path: string): boolean {
  const has = (attribute: RegExp) => attributes.some((text) => attribute.test(text));
  if (name.startsWith('__Secure-')) return !has(/^secure$/i);
  return name.startsWith('__Host-') && !(has(/^secure$/i) && path === '/' && !has(/^domain=/i));
}

/** The first form of a page, with its hidden fields. */
export function formOf(page: BrowserPage): Form {
  const [, attributes = '', content = ''] = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(page.body) ?? [];
  if (attributes === '')
    throw new Error(`no form on ${page.url} (${page.status}): ${page.body.slice(0, 400)}`);
  const hidden = [...content.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
    attributeOf(input, 'name'),
    attributeOf(input, 'value'),
  ]);
  return {
    action: attributeOf(attributes, 'action'),
    method: attributeOf(attributes, 'method'),
    fields: Object.fromEntries(hidden),
  };
}

function attributeOf(markup: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(markup)?.[1] ?? '';
  return value
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
