// @vitest-environment happy-dom
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { ApiError, NoAnswer } from '../../src/api/api-client.ts';
import { Fault } from '../../src/components/fault.tsx';

afterEach(cleanup);

const answer = (status: number) => new ApiError(new Response(null, { status }), {});

it.each([
  ['a refusal', answer(403), 0],
  ['something that is not there', answer(404), 0],
  ['too many requests', answer(429), 1],
  ['a service that is away', answer(503), 1],
  ['a service that failed', answer(502), 1],
  ['no answer', new NoAnswer(), 1],
])('after %s trying again is offered only where it can help', (_what, error, buttons) => {
  render(<Fault title="It could not be loaded" error={error} onRetry={() => undefined} />);
  expect(screen.queryAllByRole('button', { name: 'Try again' })).toHaveLength(buttons);
});
