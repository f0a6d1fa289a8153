import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';
import { Button } from './button.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** What the button does, as a verb. */
  readonly action: string;
  /** Default: it cannot be undone. */
  readonly look?: 'bad' | 'primary';
  readonly isBusy?: boolean;
  /** The harmless answer. */
  readonly keep?: string;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
}

/**
 * A question before something that cannot be undone, or that leaves the page. Modal while it is mounted; Escape cancels. The focus begins at the
 * harmless answer and returns to where it was.
 */
export function ConfirmDialog({
  title,
  children,
  action,
  look = 'bad',
  isBusy = false,
  keep: keepIt = 'Keep it',
  onConfirm,
  onCancel,
}: ConfirmDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const keep = useRef<HTMLButtonElement>(null);
  const titleId = useId();
  // A layout effect ends while the dialog is still in the page, and only then does closing it return the focus.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    keep.current?.focus();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onCancel={onCancel}>
      <div className="stack">
        <h2 id={titleId}>{title}</h2>
        <div className="stack-tight">{children}</div>
        <div className="row">
          <Button look={look} isBusy={isBusy} onClick={onConfirm}>
            {action}
          </Button>
          <Button ref={keep} onClick={onCancel}>
            {keepIt}
          </Button>
        </div>
      </div>
    </dialog>
  );
}
