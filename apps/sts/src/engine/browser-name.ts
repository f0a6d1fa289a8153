type Sign = readonly [sign: RegExp, name: string];

/** Browsers name those that they want to be taken for, so the more particular ones come first. */
const BROWSERS: readonly Sign[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly Sign[] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'Mac'],
  [/\bLinux\b/, 'Linux'],
];

const LONGEST_USER_AGENT = 512;

/**
 * `Firefox on Linux`, from a `User-Agent` header (RFC 9110 §10.1.5); undefined when it names none that is known. It helps people
 * to know their sessions apart, and is nothing to rely on: whoever sends it may say anything. Of what came, nothing else is kept.
 */
export function browserName(userAgent: string): string | undefined {
  const text = userAgent.slice(0, LONGEST_USER_AGENT);
  const named = (signs: readonly Sign[]) => signs.find(([sign]) => sign.test(text))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  if (browser === undefined) return system === undefined ? undefined : `a browser on ${system}`;
  return system === undefined ? browser : `${browser} on ${system}`;
}
