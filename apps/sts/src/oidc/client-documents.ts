import { AsyncLocalStorage } from 'node:async_hooks';
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { isLoopbackUrl } from '@behalf/auth';
import { LRUCache } from 'lru-cache';
import { Agent, errors, request } from 'undici';
import { z } from 'zod';

/** `hosts`: the only hosts whose documents are taken; undefined for all. One that is this machine is meant for development. */
export interface ClientDocumentSettings {
  readonly hosts: readonly string[] | undefined;
}

/** API scopes of every client that has a document. */
export const DOCUMENT_CLIENT_SCOPES: readonly string[] = ['agent'];

const TIMEOUT_MS = 5_000;
const MAXIMUM_BYTES = 5 * 1024;
const MAXIMUM_FETCHES = 8;
const REMEMBERED_FAILURES = { max: 500, ttl: 60_000 };
const CACHE_SECONDS = 300;

/** A document that cannot be taken. The message is a sentence for the person, without an address of ours. */
export class ClientDocumentError extends Error {
  override readonly name = 'ClientDocumentError';
}

export type ClientDocuments = ReturnType<typeof createClientDocuments>;

/**
 * Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): an https URL as `client_id`, whose document
 * describes a public client. oidc-provider does the rest; this is its fetch. Anyone can name a URL, so it is fetched from
 * public addresses alone, without redirects, within 5 s and 5 kB; a few at once, and a failure is remembered for a minute.
 * Of the document a few members are kept, because others make oidc-provider call further addresses.
 * `lookup` resolves names (default: the system's).
 */
export function createClientDocuments(
  { hosts }: ClientDocumentSettings,
  { lookup = systemLookup }: { readonly lookup?: typeof systemLookup } = {},
) {
  const finding = new AsyncLocalStorage<true>();
  const failures = new LRUCache<string, ClientDocumentError>(REMEMBERED_FAILURES);
  const isLoopbackAsked = hosts?.some(isLoopbackHost) ?? false;
  const isAllowed = (address: string) =>
    isPublicAddress(address) || (isLoopbackAsked && LOOPBACK.check(address, familyOf(address)));
  const agent = new Agent({
    // The connection goes to the addresses that were checked: another answer of the name server comes too late.
    connect: { lookup: checkedLookup(lookup, isAllowed), timeout: TIMEOUT_MS },
    maxResponseSize: MAXIMUM_BYTES,
    keepAliveTimeout: 1,
    allowH2: false,
  });
  let running = 0;

  async function read(id: string): Promise<Response> {
    const { hostname, host } = new URL(id);
    const address = hostname.replace(/^\[|\]$/g, '');
    if (hosts !== undefined && !hosts.includes(hostname)) {
      throw new ClientDocumentError(`This server takes no applications from ${host}.`);
    }
    if (isIP(address) !== 0 && !isAllowed(address)) throw notPublic(host);
    if (running >= MAXIMUM_FETCHES) {
      throw new ClientDocumentError('Too many applications are being looked up. Try again in a minute.');
    }
    running += 1;
    try {
      const { statusCode, body } = await request(id, {
        dispatcher: agent,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { accept: 'application/json' },
      });
      const text = await body.text();
      if (statusCode >= 300 && statusCode < 400) {
        throw new ClientDocumentError(`${host} redirects to another address, which is not followed.`);
      }
      if (statusCode !== 200) throw new ClientDocumentError(`${host} answered with status ${statusCode}.`);
      return Response.json(clientOf(id, text));
    } catch (error) {
      throw describe(error, host);
    } finally {
      running -= 1;
    }
  }

  return {
    /** For oidc-provider's `features`. */
    feature: {
      enabled: true,
      ack: 'draft-02',
      cacheDuration: { min: CACHE_SECONDS, max: CACHE_SECONDS },
    },
    /** Runs oidc-provider's own look-up; what it fetches within goes through the guard. */
    find: <Result>(find: () => Promise<Result>): Promise<Result> => finding.run(true, find),
    isFinding: () => finding.getStore() === true,
    /** The document as oidc-provider may see it. Throws ClientDocumentError. */
    async fetch(id: string): Promise<Response> {
      const known = failures.get(id);
      if (known !== undefined) throw known;
      try {
        return await read(id);
      } catch (error) {
        if (error instanceof ClientDocumentError) failures.set(id, error);
        throw error;
      }
    },
  };
}

const document = z.object({
  client_id: z.string(),
  client_name: z.string().trim().min(1).max(100).optional(),
  redirect_uris: z.array(z.string().max(512)).min(1).max(20),
  grant_types: z.array(z.string()).max(20).default(['authorization_code']),
  token_endpoint_auth_method: z.string().default('none'),
});

const GRANTS = ['authorization_code', 'refresh_token'];

/** The client that a document describes: public, native (so that it always asks for consent), with its redirect URIs. */
function clientOf(id: string, text: string): Readonly<Record<string, unknown>> {
  const refused = (why: string) => new ClientDocumentError(`The description of the application ${why}.`);
  const parsed = document.safeParse(jsonOf(text));
  if (!parsed.success) throw refused('is not in a form that is understood here');
  const { client_id, client_name, redirect_uris, grant_types, token_endpoint_auth_method } = parsed.data;
  if (client_id !== id) throw refused('is about another application');
  if (token_endpoint_auth_method !== 'none')
    throw refused('asks for a secret or a key, which this server has not');
  const unsafe = redirect_uris.find((uri) => !isSafeRedirect(uri));
  if (unsafe !== undefined)
    throw refused('leads back to an address that is neither https nor on this computer');
  return {
    client_id,
    client_name: client_name ?? new URL(id).host,
    redirect_uris,
    grant_types: GRANTS.filter((grant) => grant_types.includes(grant)),
    response_types: ['code'],
    token_endpoint_auth_method,
    application_type: 'native',
    scope: 'offline_access',
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isSafeRedirect(uri: string): boolean {
  const url = URL.parse(uri);
  if (url === null || url.username !== '' || url.password !== '' || uri.includes('#')) return false;
  return url.protocol === 'https:' || isLoopbackRedirect(uri);
}

/** RFC 8252 §7.3: the answer goes to a program on the person's computer, which no https address vouches for. */
export function isLoopbackRedirect(uri: string): boolean {
  return URL.parse(uri)?.protocol === 'http:' && isLoopbackUrl(uri);
}

export function isLoopbackHost(host: string): boolean {
  return isLoopbackUrl(`https://${host}`);
}

const LOOPBACK = blockList('127.0.0.0/8 ::1/128');

/** IANA's special-purpose registries (RFC 6890), multicast and reserved space. */
const SPECIAL = blockList(
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 ' +
    '192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 ' +
    '2001::/23 2001:db8::/32 2002::/16 3fff::/20',
);

/** Of IPv6, only this is global unicast; mapped and translated IPv4 addresses lie outside. */
const GLOBAL_UNICAST = blockList('2000::/3');

export function isPublicAddress(address: string): boolean {
  const family = familyOf(address);
  return !SPECIAL.check(address, family) && (family === 'ipv4' || GLOBAL_UNICAST.check(address, family));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

function blockList(networks: string): BlockList {
  const list = new BlockList();
  for (const network of networks.split(' ')) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

/** Resolves a name for a connection. One address that is not allowed refuses all of the name's. */
function checkedLookup(lookup: typeof systemLookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (fault, addresses) => {
      if (fault !== null) return callback(fault, '');
      const [first] = addresses as readonly LookupAddress[];
      if (first === undefined || !addresses.every(({ address }) => isAllowed(address))) {
        return callback(notPublic(hostname), '');
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function notPublic(host: string): ClientDocumentError {
  return new ClientDocumentError(`${host} is not an address on the public internet.`);
}

function describe(error: unknown, host: string): ClientDocumentError {
  if (error instanceof ClientDocumentError) return error;
  if (error instanceof errors.ResponseExceededMaxSizeError) {
    return new ClientDocumentError(`The answer of ${host} is larger than 5 kB.`, { cause: error });
  }
  const isSlow = error instanceof Error && ['TimeoutError', 'ConnectTimeoutError'].includes(error.name);
  const why = isSlow ? 'did not answer within 5 seconds' : 'could not be reached';
  return new ClientDocumentError(`${host} ${why}.`, { cause: error });
}
