import type { ComponentPropsWithRef } from 'react';

export interface ButtonProps extends Omit<ComponentPropsWithRef<'button'>, 'disabled' | 'className'> {
  readonly look?: 'plain' | 'primary' | 'bad';
  readonly small?: boolean;
  /** It does nothing now. It keeps the focus, which `disabled` would drop. */
  readonly isBusy?: boolean;
}

export function Button({
  look = 'plain',
  small = false,
  isBusy = false,
  onClick,
  type = 'button',
  ...rest
}: ButtonProps) {
  const looks = ['button', look !== 'plain' && `button-${look}`, small && 'button-small'];
  return (
    <button
      {...rest}
      // oxlint-disable-next-line react/button-has-type -- a button unless it says "submit"
      type={type}
      className={looks.filter(Boolean).join(' ')}
      aria-disabled={isBusy || undefined}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else onClick?.(event);
      }}
    />
  );
}
