import { describe, expect, it } from 'vitest';
import { describeTotals, outcomeOf, totalsOf } from '../totals.ts';

const VITEST = `<?xml version="1.0" encoding="UTF-8" ?>
<testsuites name="vitest tests" tests="9" failures="2" errors="0" time="1.2">
    <testsuite name="test/a.test.ts" timestamp="2026-11-28" tests="8" failures="1" errors="0" skipped="2" time="1">
        <testcase classname="test/a.test.ts" name="a &lt;testsuite&gt;" time="1"></testcase>
    </testsuite>
    <testsuite name="test/unloadable.test.ts" tests="1" failures="1" errors="0" skipped="0" time="0"></testsuite>
</testsuites>`;
const PLAYWRIGHT = `<testsuites id="" name="" tests="3" failures="0" skipped="1" errors="0" time="2">
<testsuite name="sign-in.spec.ts" timestamp="" hostname="" tests="3" failures="0" skipped="1" time="2" errors="0">
</testsuite>
</testsuites>`;

describe('totals', () => {
  it('add up the suites of every report', () => {
    expect(totalsOf([VITEST, PLAYWRIGHT])).toEqual({ passed: 7, failed: 2, skipped: 3 });
    expect(totalsOf([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });

  it('have one failure when a run failed without a failed test', () => {
    const passed = { passed: 5, failed: 0, skipped: 0 };
    expect(outcomeOf(passed, false).failed).toBe(1);
    expect(outcomeOf(passed, true).failed).toBe(0);
    expect(outcomeOf({ ...passed, failed: 2 }, false).failed).toBe(2);
  });

  it('are one line, with skipped tests only when there are any', () => {
    expect(describeTotals({ passed: 3, failed: 1, skipped: 0 })).toBe('3 passed, 1 failed');
    expect(describeTotals({ passed: 1, failed: 0, skipped: 2 })).toBe('1 passed, 0 failed, 2 skipped');
  });
});
