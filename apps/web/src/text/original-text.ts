const LONGEST = 600;

/** Characters that nobody sees: controls, and marks that turn the writing direction (U+202E). Joiners belong to words. */
const CONTROLS = /[\p{Cc}\u{61C}\u{200B}\u{200E}\u{200F}\u{2028}-\u{202E}\u{2060}-\u{206F}\u{FEFF}]/gu;

/** Another party's text, made safe to show: invisible characters by their number, and not longer than a paragraph. */
export function originalText(text: string): string {
  const visible = text
    .trim()
    .replaceAll(CONTROLS, (character) =>
      /\s/.test(character) ? ' ' : `\\u{${character.codePointAt(0)?.toString(16).toUpperCase()}}`,
    );
  return visible.length > LONGEST ? `${visible.slice(0, LONGEST)}…` : visible;
}

/** The same for a name that stands in a line: invisible characters are left out. */
export function withoutControls(text: string): string {
  return text.replaceAll(CONTROLS, (character) => (/\s/.test(character) ? ' ' : ''));
}
