/** 5,000 faults of the disk under index and memories; `ANCHORAGE_SEED` and `ANCHORAGE_INPUTS` choose others. */
import { expect, it } from 'vitest';
import { BOUND_MS } from './drive';
import { campaign } from './results';
import { damagedFiles, failingCalls } from './stores';

const INPUTS = Number(process.env['ANCHORAGE_INPUTS'] ?? 2_500);

it.each([
  [failingCalls.name, failingCalls],
  [damagedFiles.name, damagedFiles],
])(
  '%s: nothing is lost, and no answer is wrong',
  async (_, attacked) => {
    const report = await campaign('Stores', attacked, INPUTS);
    expect(report.failures).toEqual([]);
    expect(report.slowestMs).toBeLessThan(BOUND_MS);
  },
  6 * 3_600_000,
);
