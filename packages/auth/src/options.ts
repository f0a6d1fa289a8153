/** Checks of options, and the clock. JavaScript callers have no types, and no check may be switched off by leaving something out. */

/** Two clocks may differ by this much. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** The default clock: epoch seconds. */
export function systemClock(): number {
  return Math.floor(Date.now() / 1000);
}

/** A clock that calls `onSetBack` when it shows an earlier time than before, because no age measured with it is then known. */
export function watchClock(now: (() => number) | undefined, onSetBack: () => void): () => number {
  const read = now ?? systemClock;
  let latest = Number.NEGATIVE_INFINITY;
  return () => {
    const at = read();
    if (at < latest) onSetBack();
    latest = at;
    return at;
  };
}

/** Throws TypeError unless every value is a text that is not empty. The keys are the names of the options. */
export function assertNames(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'string' || value === '')
      throw new TypeError(`${name} must be a text, and not empty`);
  }
}

/** Throws TypeError unless the value is a list of at least one text, none of them empty. */
export function assertNameList(name: string, values: unknown): asserts values is readonly string[] {
  if (!Array.isArray(values) || values.length === 0) throw new TypeError(`${name} must name at least one`);
  for (const value of values) assertNames({ [name]: value });
}

/** Throws TypeError unless every value is absent or a finite number of at least 0. */
export function assertNumbers(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !(Number.isFinite(value) && Number(value) >= 0))
      throw new TypeError(`${name} must be a number of at least 0`);
  }
}

/** Throws TypeError unless every value is a function. */
export function assertFunctions(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'function') throw new TypeError(`${name} must be a function`);
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
