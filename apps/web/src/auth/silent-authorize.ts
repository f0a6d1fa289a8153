/**
 * Asks the authorization server without leaving the page: a hidden frame follows the redirects and ends on our own
 * `/callback`, which hands its address to the page around it (`answerFromFrame`). Returns that address, or undefined when
 * no answer came.
 *
 * It works wherever the server's cookies reach a frame: on one machine (all ports of localhost are one site) and on
 * subdomains of one site. Where a browser keeps them away the server answers `login_required`, and the person presses
 * "Sign in" once more; the sign-in itself is then still remembered.
 */
export type SilentAuthorize = (url: string) => Promise<string | undefined>;

export const CALLBACK_PATH = '/callback';

const MESSAGE = 'behalf.callback';
const ANSWER_TIMEOUT_MS = 10_000;
/** A frame that has loaded and sends no message shows an error page. */
const SILENCE_AFTER_LOAD_MS = 1_000;

export const authorizeInHiddenFrame: SilentAuthorize = (url) => {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const frame = document.createElement('iframe');
  const listening = new AbortController();
  const giveUp = () => resolve(undefined);
  const timer = setTimeout(giveUp, ANSWER_TIMEOUT_MS);
  frame.hidden = true;
  frame.title = 'Restoring your session';
  frame.addEventListener('load', () => setTimeout(giveUp, SILENCE_AFTER_LOAD_MS), { once: true });
  window.addEventListener(
    'message',
    (event: MessageEvent<unknown>) => {
      if (event.origin !== location.origin || event.source !== frame.contentWindow) return;
      if (isAnswer(event.data)) resolve(event.data.url);
    },
    { signal: listening.signal },
  );
  frame.src = url;
  document.body.append(frame);
  return promise.finally(() => {
    clearTimeout(timer);
    listening.abort();
    frame.remove();
  });
};

/** In the hidden frame: hands the answer to our own page around it and returns true. Anywhere else does nothing and returns false. */
export function answerFromFrame(): boolean {
  if (window.parent === window) return false;
  if (location.pathname === CALLBACK_PATH) {
    window.parent.postMessage({ type: MESSAGE, url: location.href }, location.origin);
  }
  return true;
}

function isAnswer(data: unknown): data is { type: typeof MESSAGE; url: string } {
  return (
    typeof data === 'object' &&
    data !== null &&
    'type' in data &&
    data.type === MESSAGE &&
    'url' in data &&
    typeof data.url === 'string'
  );
}
