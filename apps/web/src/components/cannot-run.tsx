import { Message } from './boundary.tsx';

export type CannotRunCause = 'storage' | 'insecure' | 'set_up';

/** Undefined: this browser gives the app all that it needs. */
export function cannotRun(
  window: Pick<Window, 'sessionStorage' | 'isSecureContext'>,
): CannotRunCause | undefined {
  if (!window.isSecureContext) return 'insecure';
  try {
    // A browser that is told to block site data throws here, at the latest on writing.
    window.sessionStorage.setItem('behalf.try', '');
    window.sessionStorage.removeItem('behalf.try');
    return undefined;
  } catch {
    return 'storage';
  }
}

const TEXTS: Readonly<Record<CannotRunCause, readonly [title: string, text: string]>> = {
  storage: [
    'This browser does not let the app keep anything',
    'To sign you in, the app must remember for a moment that it has asked. Allow cookies and site data for this address, then load the page again.',
  ],
  insecure: [
    'This address is not secure',
    'Browsers allow a sign-in only at an address that begins with https, or at localhost.',
  ],
  set_up: [
    'This app is not set up',
    'The server sent the page without its settings, or with wrong ones. Tell the people who run it.',
  ],
};

/** In place of the whole app. */
export function CannotRun({ why }: { why: CannotRunCause }) {
  const [title, text] = TEXTS[why];
  return (
    <main className="alone">
      <Message title={title} text={text} />
    </main>
  );
}
