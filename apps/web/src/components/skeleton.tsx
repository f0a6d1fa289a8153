import type { CSSProperties } from 'react';

/** Stands where text will be, in its size, so that nothing moves when it comes. */
export function Skeleton({ width = '100%', height = '1em' }: { width?: string; height?: string }) {
  const style: CSSProperties = { inlineSize: width, blockSize: height };
  return <span className="skeleton" style={style} aria-hidden="true" />;
}

/** Says once that something is on its way. */
export function Loading({ what }: { what: string }) {
  return <output className="visually-hidden">Loading {what}…</output>;
}
