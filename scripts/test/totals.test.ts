import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { addTotals, describeTotals, outcomeOf, playwrightTotals, vitestTotals } from './totals.ts';

const folder = mkdtempSync(join(tmpdir(), 'behalf-totals-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function reportOf(content: unknown): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

describe('totals', () => {
  it('counts a test file that could not be loaded as one failure', () => {
    const file = reportOf({
      numPassedTests: 3,
      numFailedTests: 1,
      numPendingTests: 2,
      testResults: [
        { status: 'failed', assertionResults: [] },
        { status: 'failed', assertionResults: [{}] },
      ],
    });
    expect(vitestTotals(file)).toEqual({ passed: 3, failed: 2, skipped: 2 });
  });

  it('counts a browser test that passed only when repeated as a failure', () => {
    const file = reportOf({ stats: { expected: 5, unexpected: 1, flaky: 1, skipped: 0 } });
    expect(playwrightTotals(file)).toEqual({ passed: 5, failed: 2, skipped: 0 });
  });

  it('counts a run that failed without a failed test as one failure', () => {
    expect(outcomeOf({ passed: 5, failed: 0, skipped: 0 }, 1).failed).toBe(1);
    expect(outcomeOf(undefined, 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(outcomeOf({ passed: 5, failed: 0, skipped: 0 }, 0).failed).toBe(0);
  });

  it('says the totals in one line, and skipped ones only when there are any', () => {
    expect(
      describeTotals(
        addTotals([
          { passed: 1, failed: 0, skipped: 0 },
          { passed: 2, failed: 1, skipped: 0 },
        ]),
      ),
    ).toBe('3 passed, 1 failed');
    expect(describeTotals({ passed: 1, failed: 0, skipped: 2 })).toBe('1 passed, 0 failed, 2 skipped');
  });
});
