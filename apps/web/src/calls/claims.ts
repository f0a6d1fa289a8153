import type { Claims } from '../api/steps.ts';

export type Change = 'added' | 'removed' | 'changed' | 'kept';

export interface ClaimComparison {
  readonly claim: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly change: Change;
}

/** Claims in the order that tells the story: who, for whom, by whom, what, and only then the bookkeeping. */
const ORDER = [
  'sub',
  'aud',
  'act',
  'scope',
  'client_id',
  'iss',
  'may_act',
  'subscription',
  'auth_time',
  'amr',
  'sid',
  'iat',
  'exp',
  'jti',
  'cnf',
];

/**
 * Compares the claims of a token with those of the token it came from. Values are compared as JSON, objects without
 * regard to the order of their members. Unknown claims come last, in alphabetical order.
 */
export function compareClaims(before: Claims, after: Claims): readonly ClaimComparison[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.toSorted(byStory).map((claim) => ({
    claim,
    before: valueOf(before, claim),
    after: valueOf(after, claim),
    change: changeOf(claim, before, after),
  }));
}

function changeOf(claim: string, before: Claims, after: Claims): Change {
  const [was, is] = [valueOf(before, claim), valueOf(after, claim)];
  if (was === undefined) return 'added';
  if (is === undefined) return 'removed';
  return canonical(was) === canonical(is) ? 'kept' : 'changed';
}

function valueOf(claims: Claims, claim: string): unknown {
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
}

function byStory(a: string, b: string): number {
  return rank(a) - rank(b) || a.localeCompare(b, 'en');
}

function rank(claim: string): number {
  const index = ORDER.indexOf(claim);
  return index === -1 ? ORDER.length : index;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

export interface Explanation {
  /** One plain sentence: what the claim says, or why it is as it is now. */
  readonly sentence: string;
  /** Where it is specified. */
  readonly source: string;
}

interface ClaimText {
  readonly meaning: string;
  readonly source: string;
  readonly when?: Partial<Record<Change, string>>;
}

const CLAIMS: Readonly<Record<string, ClaimText>> = {
  sub: {
    meaning: 'The user that the call is about; in a client’s own token, the client itself.',
    source: 'RFC 9068 §2.2',
    when: {
      kept: 'Still you. A service that acts for you never becomes the subject, because that would be impersonation.',
      changed: 'The subject changed. That must never happen in a delegation.',
    },
  },
  aud: {
    meaning: 'The one service that may accept this token.',
    source: 'RFC 9068 §2.2, RFC 8707 §2',
    when: {
      changed: 'Each service gets a token for itself alone, and no other service accepts it.',
      kept: 'Still for the service before: this one must refuse it.',
    },
  },
  client_id: {
    meaning: 'The application that the token was issued to.',
    source: 'RFC 8693 §4.3',
    when: {
      changed:
        'The service that exchanged the token asked for this one, and only it may exchange it further.',
    },
  },
  act: {
    meaning: 'Who acts for the user: the current actor outermost, earlier ones inside.',
    source: 'RFC 8693 §4.1',
    when: {
      added: 'The call no longer comes from you directly. This claim names the service that acts for you.',
      changed: 'One more service acts now. It stands outermost, and the earlier actors are kept inside.',
      kept: 'No further service acts.',
      removed: 'An actor was dropped. That must never happen in a delegation.',
    },
  },
  scope: {
    meaning: 'What may be done with the token.',
    source: 'RFC 8693 §4.2',
    when: {
      changed: 'Rights at the next service, within the delegation policy. Your own rights are not passed on.',
    },
  },
  iss: { meaning: 'Who issued and signed the token.', source: 'RFC 9068 §2.2' },
  may_act: {
    meaning: 'The only client that may act for this user. Every later actor must satisfy it as well.',
    source: 'RFC 8693 §4.4',
  },
  subscription: {
    meaning: 'The answer of the subscription service when this token was issued.',
    source: 'RFC 7519 §4.3',
    when: { added: 'The translation grant asked the subscription service and put its answer in.' },
  },
  auth_time: {
    meaning: 'When the user last proved who they are.',
    source: 'RFC 9068 §2.2.1',
    when: { kept: 'The time of the original sign-in. An exchange is no sign-in.' },
  },
  amr: {
    meaning: 'How the user proved who they are.',
    source: 'RFC 9068 §2.2.1, RFC 8176',
    when: { kept: 'From the original sign-in. An exchange never makes it stronger.' },
  },
  sid: {
    meaning: 'The login session that all these tokens belong to.',
    source: 'OpenID Connect Back-Channel Logout §2.1',
    when: { kept: 'The same session. After a sign-out no further token is issued from any of these.' },
  },
  iat: {
    meaning: 'When the token was issued.',
    source: 'RFC 9068 §2.2',
    when: {
      changed: 'A new token, issued for this call.',
      kept: 'Issued within the same second.',
    },
  },
  exp: {
    meaning: 'When the token ends.',
    source: 'RFC 9068 §2.2',
    when: {
      changed: 'An exchanged token never outlives the one it came from, and lives 300 seconds at most.',
      kept: 'The same end: an exchanged token never outlives the one it came from.',
    },
  },
  jti: {
    meaning: 'The number of the token, by which it can be revoked.',
    source: 'RFC 9068 §2.2',
    when: {
      changed: 'Another token. The ledger keeps which one it was derived from.',
      kept: 'The same token: nothing was exchanged.',
    },
  },
  cnf: {
    meaning: 'The key that the token is bound to. Without that key no service accepts it.',
    source: 'RFC 7800 §3.1',
  },
};

/** Why a claim is what it is on this hop. Unknown claims are said to be the service's own. */
export function explainClaim(claim: string, change?: Change): Explanation {
  const text = Object.hasOwn(CLAIMS, claim) ? CLAIMS[claim] : undefined;
  if (!text) return { sentence: 'A claim that this service defines itself.', source: 'RFC 7519 §4.3' };
  return { sentence: (change && text.when?.[change]) ?? text.meaning, source: text.source };
}

const TIMES = new Set(['iat', 'exp', 'nbf', 'auth_time']);

/** A claim's value for people: times (epoch seconds) as the clock shows them, objects as JSON, the rest as it stands. */
export function showClaim(claim: string, value: unknown, locale?: string): string {
  if (TIMES.has(claim) && typeof value === 'number') {
    return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(value * 1000);
  }
  return typeof value === 'string' ? value : compactJson(value);
}

const LONGEST_LINE = 64;

/** On one line as long as it is short. */
function compactJson(value: unknown): string {
  const lines = JSON.stringify(value, null, 1);
  const oneLine = lines.replaceAll(/\n\s*/g, ' ');
  return oneLine.length <= LONGEST_LINE ? oneLine : JSON.stringify(value, null, 2);
}
