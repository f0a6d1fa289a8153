import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';
import { Button } from './button.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** What the button does, as a verb. */
  readonly action: string;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
}

/**
 * A question before something that cannot be undone. Modal while it is mounted; Escape cancels. The focus begins at the
 * harmless answer and returns to where it was.
 */
export function ConfirmDialog({ title, children, action, onConfirm, onCancel }: ConfirmDialogProps) {
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
          <Button look="bad" onClick={onConfirm}>
            {action}
          </Button>
          <Button ref={keep} onClick={onCancel}>
            Keep it
          </Button>
        </div>
      </div>
    </dialog>
  );
}
