import { useId, type ReactNode } from 'react';
import type { SignInProblem } from '../auth/sign-in-problem.ts';
import { originalText } from '../text/original-text.ts';
import { signInProblemDetails, signInProblemText } from '../text/sign-in-text.ts';

export interface NoticeProps {
  readonly tone: 'plain' | 'ok' | 'warn' | 'bad';
  readonly title: string;
  readonly children?: ReactNode;
}

/** A message that is read out as it appears: at once when it is bad, in turn otherwise. */
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

/** Another party's own words: closed at first, and isolated from the text around them. */
export function Details({ text }: { text: string | undefined }) {
  if (text === undefined || text.trim() === '') return null;
  return (
    <details className="details">
      <summary>Details</summary>
      <p>
        <bdi>{originalText(text)}</bdi>
      </p>
    </details>
  );
}

/** A problem of the sign-in service in our own words. `children`: the way on. */
export function SignInProblemNotice({
  problem,
  tone = 'warn',
  children,
}: {
  problem: SignInProblem;
  tone?: NoticeProps['tone'];
  children?: ReactNode;
}) {
  const { title, text } = signInProblemText(problem);
  return (
    <Notice tone={tone} title={title}>
      <p>{text}</p>
      {children}
      <Details text={signInProblemDetails(problem)} />
    </Notice>
  );
}
