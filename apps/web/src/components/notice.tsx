import { useId, type ReactNode } from 'react';

export interface NoticeProps {
  readonly tone: 'plain' | 'ok' | 'warn' | 'bad';
  readonly title: string;
  readonly children?: ReactNode;
}

/** Something that has come about and is read out as it appears: at once when it is bad, in turn otherwise. */
export function Notice({ tone, title, children }: NoticeProps) {
  const titleId = useId();
  return (
    <div
      className={`notice notice-${tone}`}
      role={tone === 'bad' ? 'alert' : 'status'}
      aria-labelledby={titleId}
    >
      <strong id={titleId}>{title}</strong>
      {children !== undefined && <div className="stack-tight">{children}</div>}
    </div>
  );
}
