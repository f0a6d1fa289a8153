// @vitest-environment happy-dom
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { useRef, useState } from 'react';
import { afterEach, expect, it } from 'vitest';
import { ConfirmDialog } from '../../src/components/confirm-dialog.tsx';
import { useFocusKeeper } from '../../src/components/focus.ts';

afterEach(cleanup);

/** A page with a button that is gone once it is pressed, in a section or outside of every place. */
function Page({ isInSection }: { isInSection: boolean }) {
  const main = useRef<HTMLElement>(null);
  const [isThere, setThere] = useState(true);
  useFocusKeeper(main);
  const button = isThere && (
    <button type="button" onClick={() => setThere(false)}>
      Once
    </button>
  );
  return (
    <>
      <main ref={main}>
        <h1>The page</h1>
        <section>
          <h2>The section</h2>
          {isInSection && button}
        </section>
      </main>
      {!isInSection && button}
    </>
  );
}

it.each([
  [true, 'The section'],
  [false, 'The page'],
])(
  'goes to the heading of what was around when its element is gone (%s: %s)',
  async (isInSection, heading) => {
    render(<Page isInSection={isInSection} />);
    await userEvent.click(screen.getByRole('button', { name: 'Once' }));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByRole('heading', { name: heading })));
  },
);

it('begins at the harmless answer of a question', () => {
  const nothing = () => undefined;
  render(
    <ConfirmDialog title="Take it back?" action="Take back" onConfirm={nothing} onCancel={nothing}>
      It ends now.
    </ConfirmDialog>,
  );
  expect(document.activeElement?.textContent).toBe('Keep it');
});
