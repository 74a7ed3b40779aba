/** Some of the faults of stores.long.test.ts. */
import { expect, it } from 'vitest';
import { drive } from './drive';
import { damagedFiles, failingCalls } from './stores';

it.each([
  [failingCalls.name, failingCalls],
  [damagedFiles.name, damagedFiles],
])(
  '%s: nothing is lost, and no answer is wrong',
  async (_, attacked) => {
    const report = await drive(attacked, 20, 1);
    expect(report.failures).toEqual([]);
    expect(report.accepted).toBe(20);
  },
  120_000,
);
