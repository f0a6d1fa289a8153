export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Adds up JUnit reports, which Vitest and Playwright both write. */
export function totalsOf(reports: readonly string[]): Totals {
  const suites = reports.flatMap((report) => report.match(/<testsuite .*?>/gs) ?? []);
  const sum = (attribute: string) =>
    suites.reduce(
      (total, suite) => total + Number(new RegExp(` ${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0),
      0,
    );
  const [failed, skipped] = [sum('failures') + sum('errors'), sum('skipped')];
  return { passed: sum('tests') - failed - skipped, failed, skipped };
}

/** A run that failed although no test of it did (an error outside the tests, no report) has one failure. */
export function outcomeOf(totals: Totals, isSuccess: boolean): Totals {
  return !isSuccess && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
}

export function describeTotals({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
