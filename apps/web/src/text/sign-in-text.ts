import type { SignInProblem } from '../auth/sign-in-problem.ts';

export interface ProblemText {
  readonly title: string;
  readonly text: string;
}

const SET_UP = {
  title: 'The sign-in service refused the request',
  text: 'This app asked for something that the sign-in service does not allow. You can do nothing about it: tell the people who run this app.',
};
const NOT_ALLOWED = {
  title: 'You were not signed in',
  text: 'The sign-in was cancelled, or the sign-in service does not allow it.',
};
const TOO_LATE = {
  title: 'The sign-in took too long',
  text: 'Its answer was no longer good when it arrived. Sign in once more.',
};
const BUSY = {
  title: 'The sign-in service is not available',
  text: 'It answered that it cannot sign anyone in at the moment.',
};

/** By error code (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6, RFC 8707 §2). */
const BY_CODE: Readonly<Record<string, ProblemText>> = {
  access_denied: NOT_ALLOWED,
  invalid_grant: TOO_LATE,
  temporarily_unavailable: BUSY,
  invalid_request: SET_UP,
  invalid_scope: SET_UP,
  invalid_target: SET_UP,
  invalid_client: SET_UP,
  unauthorized_client: SET_UP,
  unsupported_response_type: SET_UP,
  unsupported_grant_type: SET_UP,
};

const BY_KIND: Readonly<Record<SignInProblem['kind'], ProblemText>> = {
  no_answer: {
    title: 'The sign-in service does not answer',
    text: 'It may be down, or this device may be offline.',
  },
  failed: {
    title: 'The sign-in service has failed',
    text: 'It answered with an error of its own. This usually passes by itself.',
  },
  invalid_answer: {
    title: 'The sign-in service gave a wrong answer',
    text: 'Its answer did not pass the security checks of this app, so it was not used. If this happens again, tell the people who run this app.',
  },
  refused: { title: 'The sign-in service refused', text: 'You were not signed in.' },
  nothing_to_finish: {
    title: 'There was no sign-in to finish',
    text: 'This tab was not waiting for an answer of the sign-in service, or had already taken it.',
  },
};

/** Our own sentence for a problem of the sign-in service. Its own words are in `detail`. */
export function signInProblemText({ kind, code }: SignInProblem): ProblemText {
  const known = code !== undefined && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  return known ?? BY_KIND[kind];
}

/** The code and the service's own words, for those who look into it. */
export function signInProblemDetails({ code, detail }: SignInProblem): string | undefined {
  return [code, detail].filter(Boolean).join(': ') || undefined;
}
