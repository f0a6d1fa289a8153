// @vitest-environment happy-dom
import { cleanup, render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, it } from 'vitest';
import type { PaymentOrder } from '../../src/api/api1.ts';
import { PaymentForm } from '../../src/components/payment-form.tsx';
import { EMPTY_DRAFT } from '../../src/payments/draft.ts';

afterEach(cleanup);

const accounts = [{ id: 'acc_1', name: 'Everyday', currency: 'EUR', balance: '100.00' }];

function show(): PaymentOrder[] {
  const sent: PaymentOrder[] = [];
  function Host() {
    const [draft, setDraft] = useState({ ...EMPTY_DRAFT, from: 'acc_1' });
    return (
      <PaymentForm
        accounts={accounts}
        draft={draft}
        isSending={false}
        onChange={setDraft}
        onSend={(order) => sent.push(order)}
      />
    );
  }
  render(<Host />);
  return sent;
}

it('sends nothing while a field is wrong, and goes to the first that is', async () => {
  const sent = show();
  await userEvent.type(screen.getByLabelText('Reference'), 'Coffee');
  await userEvent.click(screen.getByRole('button', { name: 'Pay' }));
  expect(sent).toEqual([]);
  expect(document.activeElement).toBe(screen.getByLabelText('To'));
  expect(screen.getByLabelText('To').getAttribute('aria-invalid')).toBe('true');
  expect(screen.getByLabelText('Amount').getAttribute('aria-invalid')).toBe('true');
});

it('takes a fault away as soon as it is mended', async () => {
  show();
  await userEvent.click(screen.getByRole('button', { name: 'Pay' }));
  await userEvent.type(screen.getByLabelText('To'), 'acc_2');
  expect(screen.getByLabelText('To').getAttribute('aria-invalid')).toBeNull();
});

it('sends by the keyboard alone, an amount as a decimal string', async () => {
  const sent = show();
  await userEvent.type(screen.getByLabelText('To'), 'acc_2');
  await userEvent.tab();
  await userEvent.keyboard('12.5');
  await userEvent.tab();
  await userEvent.keyboard('Coffee{Enter}');
  expect(sent).toEqual([
    { from: 'acc_1', to: 'acc_2', amount: '12.50', currency: 'EUR', reference: 'Coffee' },
  ]);
});

it('remarks on more than the balance, and leaves the decision to the bank', async () => {
  const sent = show();
  await userEvent.type(screen.getByLabelText('To'), 'acc_2');
  await userEvent.type(screen.getByLabelText('Amount'), '100.01');
  await userEvent.type(screen.getByLabelText('Reference'), 'Rent');
  expect(screen.getByText(/More than the .*100\.00/)).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Pay' }));
  expect(sent).toHaveLength(1);
});
