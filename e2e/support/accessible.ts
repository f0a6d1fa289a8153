import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** Each theme and each width once: colours do not depend on widths. What a story does next, it does on the phone. */
const LOOKS = [
  { colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

/** The narrowest page that must not scroll sideways (WCAG 2.2 §1.4.10): 1280 pixels at 400 %. */
const NARROWEST = { width: 320, height: 640 };

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Nothing for axe to find (WCAG 2.2 AA), and nothing to scroll sideways for, in every look of the page as it is. */
export async function expectAccessible(page: Page): Promise<void> {
  await inEachLook(page, async (look) => {
    // Legacy mode looks at no frames, and there are none; without it axe opens another page for each look.
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).setLegacyMode().analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    expect(found, `${page.url()}, ${look}`).toEqual([]);
    await expectNothingBeside(page, look);
  });
}

/** Nothing to scroll sideways for, in every look. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  await inEachLook(page, (look) => expectNothingBeside(page, look));
}

async function inEachLook(page: Page, check: (look: string) => Promise<void>): Promise<void> {
  for (const { colorScheme, viewport } of LOOKS) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(viewport);
    await check(`${colorScheme}, ${viewport.width} px`);
  }
  await page.setViewportSize(NARROWEST);
  await expectNothingBeside(page, `${NARROWEST.width} px`);
  await page.setViewportSize(LOOKS[1].viewport);
}

async function expectNothingBeside(page: Page, look: string): Promise<void> {
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, `${page.url()} scrolls sideways, ${look}`).toBeLessThanOrEqual(0);
}
