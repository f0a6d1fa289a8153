import { ApiError, NoAnswer, type Problem } from '../api/api-client.ts';
import { SignInServiceError } from '../auth/sign-in-problem.ts';
import { signInProblemDetails, signInProblemText } from './sign-in-text.ts';

export interface FaultText {
  readonly text: string;
  /** The service's own words, for those who look into it. */
  readonly details?: string | undefined;
}

/** By the last part of the problem's type: `https://behalf.example/problems/insufficient-funds`. */
const BY_TYPE: Readonly<Record<string, string>> = {
  'amount-not-positive': 'The amount must be more than zero.',
  'same-account': 'Both accounts are the same one.',
  'unknown-account': 'You have no such account to pay from, or there is no such account to pay to.',
  'currency-mismatch': 'Both accounts must be in the currency of the payment.',
  'insufficient-funds': 'The balance does not cover the amount.',
  'malformed-payment': 'The bank could not read this payment. Check the account numbers and the amount.',
  'idempotency-key-reused': 'The bank has already had another payment under this number.',
  'payment-in-progress': 'The bank is still working on this payment.',
  'recent-authentication-required':
    'The service wants a sign-in from the last few minutes, and yours is older.',
  'wrong-actor': 'The service that called may not act for you here.',
  'insufficient-scope': 'The token that was sent does not allow this.',
};

/** By the reason of a refusal. A service that was refused a token passes it on. */
const BY_REASON: Readonly<Record<string, string>> = {
  policy:
    'API1 was given no token to act for you. The rules of the token service do not allow it, or you have taken its access back on “Who acted for me”, which lasts until you sign in again.',
  subscription: 'This needs an active subscription. Yours has lapsed, or you have none.',
  subject_token: 'Your sign-in is no longer good for this. Sign in again.',
};

const BY_STATUS: Readonly<Record<number, string>> = {
  400: 'The service could not read the request.',
  401: 'Your sign-in was not accepted. Sign in again.',
  403: 'The service does not allow this.',
  404: 'The service does not offer this.',
  408: 'The request took too long.',
  413: 'The request was too large.',
  429: 'There were too many requests in a short time.',
  503: 'A service behind this page is not available at the moment.',
};

/** A failure in the person's words, chosen by problem type, reason and status. */
export function faultText(error: unknown): FaultText {
  if (error instanceof SignInServiceError) {
    const { title, text } = signInProblemText(error.problem);
    return {
      text: `${title}. ${text} You are still signed in.`,
      details: signInProblemDetails(error.problem),
    };
  }
  if (error instanceof NoAnswer)
    return { text: 'No answer came. The service may be down, or this device is offline.' };
  if (!(error instanceof ApiError))
    return { text: 'The service answered in a way that this page does not understand.' };
  const { status, problem } = error;
  return { text: problemText(status, problem) + waitText(error), details: problem.detail ?? problem.title };
}

/** The same for a problem that a service reports of another one. */
export function problemText(status: number, { type, reason }: Problem): string {
  if (status >= 500 && status !== 503) return 'A service behind this page has failed.';
  return (
    entryOf(BY_TYPE, type?.split('/').at(-1)) ??
    entryOf(BY_REASON, reason) ??
    BY_STATUS[status] ??
    `The service refused (${status}).`
  );
}

const PASSING = new Set([408, 409, 425, 429]);

/** Whether the same request may get another answer. A refusal stays one until something else has changed. */
export function mayPass(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status >= 500 || PASSING.has(error.status);
}

function entryOf(texts: Readonly<Record<string, string>>, key: string | undefined): string | undefined {
  return key !== undefined && Object.hasOwn(texts, key) ? texts[key] : undefined;
}

function waitText({ retryAfterSeconds: seconds }: ApiError): string {
  return seconds === undefined ? '' : ` It asks to wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
}
