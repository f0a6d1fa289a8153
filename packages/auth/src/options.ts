/** Checks of options, and the clock. No check of a token may be switched off by leaving an option out in JavaScript. */

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';

const KINDS = {
  name: { description: 'a text that is not empty', accepts: isName },
  names: {
    description: 'a list of at least one text, none of them empty',
    accepts: (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isName),
  },
  number: {
    description: 'a number of at least 0',
    accepts: (value: unknown) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY,
  },
  function: { description: 'a function', accepts: (value: unknown) => typeof value === 'function' },
};

/** Throws TypeError unless every value is of the kind. The keys are the names of the options. */
export function assertOptions(kind: keyof typeof KINDS, options: Readonly<Record<string, unknown>>): void {
  const { description, accepts } = KINDS[kind];
  for (const [name, value] of Object.entries(options))
    if (!accepts(value)) throw new TypeError(`${name} must be ${description}`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Two clocks may differ by this much. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** The default clock: epoch seconds. */
export function systemClock(): number {
  return Math.floor(Date.now() / 1000);
}

/** A clock that calls `onSetBack` when it shows an earlier time than before, because no age measured with it is then known. */
export function watchClock(onSetBack: () => void, now: () => number = systemClock): () => number {
  assertOptions('function', { now });
  let latest = Number.NEGATIVE_INFINITY;
  return () => {
    const at = now();
    if (at < latest) onSetBack();
    latest = at;
    return at;
  };
}
