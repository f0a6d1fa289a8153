import { describe, expect, it } from 'vitest';
import { ApiError, NoAnswer, UnexpectedAnswer } from '../../src/api/api-client.ts';
import { SessionEnded } from '../../src/auth/session.ts';
import { SignInServiceError } from '../../src/auth/sign-in-problem.ts';
import { EDITING, nextAttempt, type PaymentAttempt } from '../../src/payments/payment-attempt.ts';

const order = { from: 'a', to: 'b', amount: '12.50', currency: 'EUR', reference: 'Lunch' };
const sending: PaymentAttempt = { phase: 'sending', order, key: 'key-1', mayBeBooked: false };
const unknown: PaymentAttempt = { phase: 'unknown', order, key: 'key-1' };
const booked = { payment: { id: 'p', status: 'booked' }, replayed: false };

const answer = (status: number, type = 'about:blank') =>
  new ApiError(new Response(null, { status }), { type, detail: 'Because.' });

describe('what a failure says about the booking', () => {
  it.each([
    ['a refusal of the bank', answer(422), 'refused'],
    ['a malformed order', answer(400), 'refused'],
    ['a policy that forbids it', answer(403), 'refused'],
    ['no token accepted', answer(401), 'not_sent'],
    ['too many requests', answer(429), 'not_sent'],
    ['a session that ended', new SessionEnded(), 'not_sent'],
    ['no token to be had', new SignInServiceError({ kind: 'no_answer' }), 'not_sent'],
    ['still in progress', answer(409), 'unknown'],
    ['a time-out at the server', answer(408), 'unknown'],
    ['a failure of the bank', answer(500), 'unknown'],
    ['a failure behind API1', answer(502), 'unknown'],
    ['a service that is not available', answer(503), 'unknown'],
    ['no answer', new NoAnswer(), 'unknown'],
    ['an answer without sense', new UnexpectedAnswer(), 'unknown'],
  ])('%s leaves it %s', (_what, error, phase) => {
    expect(nextAttempt(sending, { type: 'failed', error }).phase).toBe(phase);
  });

  it('tells the reason of a refusal', () => {
    const error = answer(422, 'https://behalf.example/problems/insufficient-funds');
    expect(nextAttempt(sending, { type: 'failed', error })).toMatchObject({
      why: { text: 'The balance does not cover the amount.', details: 'Because.' },
    });
  });
});

describe('trying again', () => {
  it.each([
    ['a session that has ended since', new SessionEnded()],
    ['a policy that forbids it since', answer(403)],
    ['no token accepted', answer(401)],
    ['too many requests', answer(429)],
    ['a malformed request', answer(400)],
  ])('says nothing about the first sending when it meets %s', (_what, error) => {
    const retried = nextAttempt(unknown, { type: 'retry' });
    expect(nextAttempt(retried, { type: 'failed', error })).toEqual(unknown);
  });

  it('settles it when the bank refuses under that key', () => {
    const retried = nextAttempt(unknown, { type: 'retry' });
    expect(nextAttempt(retried, { type: 'failed', error: answer(422) }).phase).toBe('refused');
  });

  it('sends the same order under the same key', () => {
    expect(nextAttempt(unknown, { type: 'retry' })).toEqual({ ...sending, mayBeBooked: true });
  });

  it('is not offered after a booking or a refusal', () => {
    const done: PaymentAttempt = { phase: 'booked', booked, order };
    const refused: PaymentAttempt = { phase: 'refused', order, why: { text: '' } };
    expect(nextAttempt(done, { type: 'retry' })).toBe(done);
    expect(nextAttempt(refused, { type: 'retry' })).toBe(refused);
  });
});

describe('a sign-in that is too old for the payment (RFC 9470)', () => {
  const headers = { 'WWW-Authenticate': 'Bearer error="insufficient_user_authentication", max_age="300"' };
  const error = new ApiError(new Response(null, { status: 401, headers }), {});
  const waiting = nextAttempt(sending, { type: 'failed', error });
  const waitingAgain = nextAttempt(nextAttempt(unknown, { type: 'retry' }), { type: 'failed', error });

  it('keeps order and key, and sends the same after the sign-in', () => {
    expect(waiting).toEqual({ ...sending, phase: 'sign_in', maxAgeSeconds: 300 });
    expect(nextAttempt(waiting, { type: 'retry' })).toEqual(sending);
    expect(nextAttempt(waitingAgain, { type: 'retry' })).toEqual({ ...sending, mayBeBooked: true });
  });

  it('leads back to the form, or to the question whether an earlier sending was booked', () => {
    expect(nextAttempt(waiting, { type: 'edit' })).toBe(EDITING);
    expect(nextAttempt(waitingAgain, { type: 'edit' })).toEqual(unknown);
  });
});

describe('one payment at a time', () => {
  const other = { type: 'send', order: { ...order, amount: '1.00' }, key: 'key-2' } as const;

  it('sends no second one while one is under way', () => {
    expect(nextAttempt(sending, other)).toBe(sending);
  });

  it('sends no other one while the end of one is unknown', () => {
    expect(nextAttempt(unknown, other)).toBe(unknown);
  });

  it('takes a new key for a new order after a refusal', () => {
    const refused: PaymentAttempt = { phase: 'refused', order, why: { text: '' } };
    expect(nextAttempt(refused, other)).toMatchObject({ phase: 'sending', key: 'key-2' });
  });

  it('drops an answer that comes when nothing is under way', () => {
    expect(nextAttempt(EDITING, { type: 'answered', booked })).toBe(EDITING);
    expect(nextAttempt(EDITING, { type: 'failed', error: answer(500) })).toBe(EDITING);
  });
});
