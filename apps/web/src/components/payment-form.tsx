import { useId, useRef, useState } from 'react';
import type { Account, PaymentOrder } from '../api/api1.ts';
import css from '../pages/pay.module.css';
import {
  LONGEST_REFERENCE,
  checkForm,
  exampleTarget,
  type FieldFaults,
  type PaymentDraft,
} from '../payments/draft.ts';
import { exceeds, formatMoney, parseAmount } from '../text/money.ts';
import { Button } from './button.tsx';
import { Field } from './field.tsx';

export interface PaymentFormProps {
  readonly accounts: readonly Account[];
  readonly draft: PaymentDraft;
  readonly isSending: boolean;
  readonly onChange: (draft: PaymentDraft) => void;
  readonly onSend: (order: PaymentOrder) => void;
}

/** Checks on sending, and from then on with each change; the first faulty field gets the focus. */
export function PaymentForm({ accounts, draft, isSending, onChange, onSend }: PaymentFormProps) {
  const form = useRef<HTMLFormElement>(null);
  const targets = useId();
  const [faults, setFaults] = useState<FieldFaults>({});
  const account = accounts.find(({ id }) => id === draft.from);
  const currency = account?.currency ?? '';
  const example = exampleTarget(accounts);

  const change = (part: Partial<PaymentDraft>) => {
    const changed = { ...draft, ...part };
    onChange(changed);
    if (Object.keys(faults).length === 0) return;
    const checked = checkForm(changed, accounts);
    setFaults(checked.ok ? {} : checked.faults);
  };

  const submit = () => {
    if (isSending) return;
    const checked = checkForm(draft, accounts);
    setFaults(checked.ok ? {} : checked.faults);
    if (checked.ok) return onSend(checked.order);
    const [first] = Object.keys(checked.faults);
    form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
  };

  return (
    <form
      ref={form}
      className={`card ${css.form}`}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Field label="From" fault={faults.from}>
        {(control) => (
          <select
            {...control}
            className="input"
            name="from"
            value={draft.from}
            disabled={isSending}
            onChange={(event) => change({ from: event.target.value })}
          >
            {accounts.map(({ id, name, currency: unit, balance }) => (
              <option key={id} value={id}>
                {`${name} (${formatMoney(balance, unit)})`}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field
        label="To"
        hint={`An account number: one of yours, or another person’s (${example.owner} has ${example.id}).`}
        fault={faults.to}
      >
        {(control) => (
          <input
            {...control}
            className="input"
            name="to"
            value={draft.to}
            readOnly={isSending}
            list={targets}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            dir="auto"
            onChange={(event) => change({ to: event.target.value })}
          />
        )}
      </Field>
      <datalist id={targets}>
        {accounts
          .filter(({ id }) => id !== draft.from)
          .map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        <option value={example.id}>{`An account of ${example.owner}`}</option>
      </datalist>
      <Field label="Amount" hint={amountHint(draft, account)} fault={faults.amount}>
        {(control) => (
          <span className="with-suffix">
            <input
              {...control}
              className="input"
              name="amount"
              value={draft.amount}
              readOnly={isSending}
              inputMode="decimal"
              autoComplete="off"
              onChange={(event) => change({ amount: event.target.value })}
            />
            <span className="suffix">{currency}</span>
          </span>
        )}
      </Field>
      <Field label="Reference" hint="The receiver sees it." fault={faults.reference}>
        {(control) => (
          <input
            {...control}
            className="input"
            name="reference"
            value={draft.reference}
            readOnly={isSending}
            maxLength={LONGEST_REFERENCE}
            autoComplete="off"
            dir="auto"
            onChange={(event) => change({ reference: event.target.value })}
          />
        )}
      </Field>
      <p className="row">
        <Button type="submit" look="primary" isBusy={isSending}>
          {isSending ? 'Paying…' : 'Pay'}
        </Button>
      </p>
    </form>
  );
}

/** The balance here may be old, so the bank decides: too large an amount is remarked on and not refused. */
function amountHint(draft: PaymentDraft, account: Account | undefined): string {
  if (!account) return 'For example 12.50';
  const { balance, currency } = account;
  const parsed = parseAmount(draft.amount, currency);
  const available = formatMoney(balance, currency);
  return parsed.ok && exceeds(parsed.amount, balance, currency)
    ? `More than the ${available} on this account; the bank will probably refuse.`
    : `On this account: ${available}`;
}
