import { Component, lazy, useState, type ComponentType, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { useRetries } from './healing.ts';
import { Details } from './notice.tsx';

/** A page's code could not be loaded. */
export class PageNotLoaded extends Error {
  override readonly name = 'PageNotLoaded';
  /** False: the host cannot be reached, so loading the page again would leave an empty window. */
  readonly hostAnswers: boolean;

  constructor(hostAnswers: boolean, options: ErrorOptions) {
    super('the code of a page could not be loaded', options);
    this.hostAnswers = hostAnswers;
  }
}

const RELOADED = 'behalf.reloaded';

/**
 * A page whose code is loaded when it is first shown. After a new release the old code is gone from the host: then the
 * whole page is loaded again, once. What cannot be loaded throws PageNotLoaded while rendering.
 */
export function lazyPage(load: () => Promise<{ default: ComponentType }>) {
  return lazy(async () => {
    try {
      const page = await load();
      sessionStorage.removeItem(RELOADED);
      return page;
    } catch (cause) {
      const hostAnswers = await doesHostAnswer();
      if (hostAnswers && sessionStorage.getItem(RELOADED) !== location.pathname) {
        sessionStorage.setItem(RELOADED, location.pathname);
        location.reload();
        return new Promise<never>(() => undefined);
      }
      throw new PageNotLoaded(hostAnswers, { cause });
    }
  });
}

async function doesHostAnswer(): Promise<boolean> {
  try {
    return (await fetch('/', { method: 'HEAD', cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

/** Keeps a failure in one page from emptying the window. Another `key` (the path) begins anew. */
export class Boundary extends Component<{ readonly children: ReactNode }, { readonly error?: unknown }> {
  override readonly state: { readonly error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return error instanceof PageNotLoaded ? <NotLoaded error={error} /> : <Broken error={error} />;
  }
}

/** Without the router and the session, because either may be what has failed. */
function Broken({ error }: { error: unknown }) {
  return (
    <Message
      title="This page has failed"
      text="An error in this app stopped it. Nothing was changed by that."
    >
      <p className="row">
        <Button look="primary" onClick={() => location.reload()}>
          Load the page again
        </Button>
        <a href="/">Go to the first page</a>
      </p>
      <Details text={error instanceof Error ? error.message : undefined} />
    </Message>
  );
}

function NotLoaded({ error }: { error: PageNotLoaded }) {
  const [failed, setFailed] = useState({ hostAnswers: error.hostAnswers, times: 1 });
  const [isRetrying, setRetrying] = useState(false);
  const retry = async () => {
    setRetrying(true);
    if (await doesHostAnswer()) return location.reload();
    setRetrying(false);
    setFailed({ hostAnswers: false, times: failed.times + 1 });
  };
  // Where the host answers and has no such code, loading again by itself would never end.
  useRetries({ isOn: !failed.hostAnswers, times: failed.times, cause: failed, retry: () => void retry() });
  return (
    <Message
      title="This page could not be loaded"
      text={
        failed.hostAnswers
          ? 'The server of this app does not have it.'
          : 'The server of this app cannot be reached. It may be down, or this device is offline.'
      }
    >
      <p className="row">
        <Button look="primary" isBusy={isRetrying} onClick={() => void retry()}>
          {isRetrying ? 'Trying…' : 'Try again'}
        </Button>
        {!failed.hostAnswers && <span className="muted">It is also tried again by itself.</span>}
      </p>
    </Message>
  );
}

/** A page that needs nothing around it. */
export function Message({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="stack">
      <title>{`${title} · Behalf`}</title>
      <div className="stack-tight" role="alert">
        <h1 tabIndex={-1}>{title}</h1>
        <p className="lead">{text}</p>
      </div>
      {children}
    </div>
  );
}
