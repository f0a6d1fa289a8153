import { useEffect, useRef, useState, type CSSProperties, type ReactNode } from 'react';
import { useLocation } from 'react-router';

export interface PageProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}

/** A page: its title in the tab and as the heading, which gets the focus when the person has come by a link here. */
export function Page({ title, lead, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { key } = useLocation();
  const [cameBy] = useState(key);
  useEffect(() => {
    // The first page of a visit has the key "default"; there the browser's own start of reading is right.
    if (cameBy !== 'default') heading.current?.focus();
  }, [cameBy]);
  return (
    <div className="stack">
      <title>{`${title} · Behalf`}</title>
      <header className="stack-tight">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead !== undefined && <p className="lead">{lead}</p>}
      </header>
      {children}
    </div>
  );
}

/** Stands where text will be, in its size, so that nothing moves when it comes. */
export function Skeleton({ width = '100%', height = '1em' }: { width?: string; height?: string }) {
  const style: CSSProperties = { inlineSize: width, blockSize: height };
  return <span className="skeleton" style={style} aria-hidden="true" />;
}

/** Says once that something is on its way. */
export function Loading({ what }: { what: string }) {
  return <output className="visually-hidden">Loading {what}…</output>;
}
