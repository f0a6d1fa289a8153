/** DPoP at an API (RFC 9449 §7): a token that is bound to a key is taken with a proof of that key. */

import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose';
import { DEFAULT_ALGORITHMS } from './access-token.ts';
import { type Authentication, authenticationOf, parseBearerToken } from './guard.ts';
import { assertOptions, CLOCK_TOLERANCE_SECONDS } from './options.ts';
import { TokenCheckUnavailableError } from './outgoing.ts';
import { authProblem, type AuthProblemType, refuse, type Refusal, tokenCheckUnavailable } from './refusal.ts';
import { createReplayMemory, type ReplayStore } from './replay-store.ts';
import { type AccessTokenVerifier, digestOf } from './verifier.ts';

export interface DpopOptions {
  /** Asymmetric ones. Default: ES256 alone. */
  readonly algorithms?: readonly string[] | undefined;
  /** Default: the memory of this process. */
  readonly replays?: Pick<ReplayStore, 'consume'> | undefined;
  /** How long ago a proof may have been made. Default 60. */
  readonly maximumAgeSeconds?: number | undefined;
}

/** A request with every line of the two headers as it came. `url` is the request target. */
export interface DpopRequest {
  readonly authorization: readonly string[];
  readonly proofs: readonly string[];
  readonly method: string;
  readonly url: string;
}

/** `iat` of a proof may lie this far ahead. */
const AHEAD_SECONDS = 10;

const MAXIMUM_PROOF_LENGTH = 8 * 1024;

/**
 * Authenticates requests of the scheme `DPoP` (RFC 9449 §4.3, §7.1). `htu` is compared with the origin of the verifier's
 * audience and the request's path, whatever host the request names. Throws TypeError for a malformed option.
 */
export function createDpopAuthentication(
  verifier: AccessTokenVerifier,
  {
    resourceMetadata,
    scopes,
  }: { readonly resourceMetadata: string; readonly scopes?: readonly string[] | undefined },
  options: DpopOptions,
) {
  const { algorithms = DEFAULT_ALGORITHMS, maximumAgeSeconds = 60 } = options;
  const { replays = createReplayMemory(verifier.now) } = options;
  const { origin } = new URL(verifier.audience);
  assertOptions('names', { algorithms });
  if (algorithms.some((algorithm) => !/^(ES|PS|RS|Ed)/.test(algorithm)))
    throw new TypeError('algorithms must be asymmetric');
  assertOptions('number', { maximumAgeSeconds });
  assertOptions('function', { 'replays.consume': replays.consume });

  /** Everything about a proof but whether it was used before. Whatever is wrong with it lies in the request. */
  async function verifyProof({ proofs, method, url }: DpopRequest, accessToken: string) {
    const [proof, ...others] = proofs;
    if (proof === undefined) return bad('a DPoP proof is needed');
    if (others.length > 0) return bad('there is more than one DPoP proof');
    if (proof.length > MAXIMUM_PROOF_LENGTH) return bad('the DPoP proof is too large');
    const now = verifier.now();
    try {
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: [...algorithms],
        currentDate: new Date(now * 1000),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      const { jti, iat, htm, htu, ath } = payload;
      if (typeof jti !== 'string' || jti === '') return bad('the DPoP proof has no jti');
      if (typeof iat !== 'number') return bad('the DPoP proof has no iat');
      const expiresAt = iat + maximumAgeSeconds + CLOCK_TOLERANCE_SECONDS;
      if (iat > now + AHEAD_SECONDS || expiresAt < now) return bad('the DPoP proof is not recent');
      if (htm !== method) return bad('the DPoP proof is for another method');
      if (typeof htu !== 'string' || targetOf(htu) !== targetOf(origin + url))
        return bad('the DPoP proof is for another address');
      if (ath !== digestOf(accessToken)) return bad('the DPoP proof is for another token');
      const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk as JWK);
      return { ok: true, thumbprint, use: digestOf(`${thumbprint} ${jti}`), expiresAt } as const;
    } catch {
      return bad('the DPoP proof is malformed or its signature does not verify');
    }
  }

  return {
    algorithms,

    /**
     * Undefined for a request of another scheme, which `authenticate` decides on. An unbound token is refused: with this
     * scheme it would seem to need a key (§7.1). Not checked: scope, actor, revocation.
     */
    async authenticate(request: DpopRequest): Promise<Authentication | undefined> {
      const refused = (type: AuthProblemType, { description, detail }: Omit<Refusal, 'ok'>) =>
        ({
          ok: false,
          problem: authProblem(type, description, resourceMetadata, { scopes }),
          detail,
        }) as const;
      const [header, ...others] = request.authorization;
      if (header === undefined || others.length > 0 || !isDpopScheme(header)) return undefined;
      // The same syntax and the same rules as for a bearer token.
      const credentials = parseBearerToken([header.replace(/^dpop/i, 'Bearer')], request.url);
      const { token, problem, description } = credentials;
      if (token === undefined) return refused(problem, { description, detail: description });
      const proof = await verifyProof(request, token);
      if (!proof.ok) return refused('invalid-dpop-proof', proof);
      try {
        const verdict = await verifier.verify(token, proof.thumbprint);
        if (!verdict.ok) return refused('invalid-token', verdict);
        const isFirstUse: unknown = await replays.consume(proof.use, Math.ceil(proof.expiresAt));
        if (isFirstUse !== true) return refused('invalid-dpop-proof', bad('the DPoP proof was used before'));
        return authenticationOf(verdict, token);
      } catch (error) {
        if (!(error instanceof TokenCheckUnavailableError)) throw error;
        return { ok: false, problem: tokenCheckUnavailable(error.retryAfterSeconds), detail: error.message };
      }
    },

    /** A bearer challenge as an API writes it that takes both schemes (§7.1, §7.2): in the scheme of the request, if it had one. */
    challenge(challenge: string, authorization: readonly string[]): string {
      const parameters = `algs="${algorithms.join(' ')}"`;
      const [header = ''] = authorization;
      return isDpopScheme(header)
        ? `${challenge.replace(/^Bearer/, 'DPoP')}, ${parameters}`
        : `${challenge}, DPoP ${parameters}`;
    },
  };
}

function isDpopScheme(header: string): boolean {
  return /^dpop(?: |$)/i.test(header);
}

function bad(description: string) {
  return refuse('dpop_proof', description);
}

/** An address without query and fragment, normalised (RFC 9449 §4.3 item 9); undefined when it is none. */
function targetOf(address: string): string | undefined {
  const url = URL.parse(address);
  return url === null ? undefined : `${url.origin}${url.pathname}`;
}
