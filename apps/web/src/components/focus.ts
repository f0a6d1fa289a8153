import { useEffect, type RefObject } from 'react';

const PLACES = 'article, section, main';

/**
 * Keeps the focus. When the element that has it goes away (a dialog closes, a button has done its work), the
 * browser drops the focus on the body, and a keyboard or a screen reader would begin at the top. Then it goes to the
 * heading of the nearest place around that is still there.
 */
export function useFocusKeeper(main: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    let focused: Element | undefined;
    let places: readonly Element[] = [];
    const remember = ({ target }: FocusEvent) => {
      if (!(target instanceof Element)) return;
      focused = target;
      places = placesAround(target);
    };
    const observer = new MutationObserver(() => {
      if (!focused || focused.isConnected || document.activeElement !== document.body) return;
      focused = undefined;
      const place = places.find((each) => each.isConnected);
      if (place) focusHeading(place);
      // What was removed stood outside of every page: the page stays where it is scrolled to.
      else if (main.current) focusHeading(main.current, { preventScroll: true });
    });
    document.addEventListener('focusin', remember);
    observer.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener('focusin', remember);
      observer.disconnect();
    };
  }, [main]);
}

function placesAround(element: Element): readonly Element[] {
  const places: Element[] = [];
  for (let at = element.closest(PLACES); at; at = at.parentElement?.closest(PLACES) ?? null) places.push(at);
  return places;
}

function focusHeading(place: Element, options?: FocusOptions): void {
  const target = place.querySelector<HTMLElement>('h1, h2, h3') ?? (place as HTMLElement);
  if (!target.hasAttribute('tabindex')) target.setAttribute('tabindex', '-1');
  target.focus(options);
}
