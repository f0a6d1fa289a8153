import { useState } from 'react';
import type { Excerpt } from '../calls/code.ts';
import { Button } from './button.tsx';

/** Text as it is, with a button that copies it. `what` names it for that button. */
export function Listing({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState<string>();
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied('Copied'),
      () => setCopied('This browser does not allow it'),
    );
  };
  return (
    <div className="stack-tight">
      <pre className="listing">{text}</pre>
      <p className="row">
        <Button small onClick={copy} aria-label={`Copy the ${what}`}>
          Copy
        </Button>
        <output className="muted">{copied}</output>
      </p>
    </div>
  );
}

/** A part of the project's code with its place. */
export function CodeListing({ code }: { code: Excerpt }) {
  const { file, line, text } = code;
  const last = line + text.split('\n').length - 1;
  return (
    <div className="stack-tight">
      <p className="muted">
        <code>{`${file}:${line}–${last}`}</code>
      </p>
      <Listing text={text} what="code" />
    </div>
  );
}
