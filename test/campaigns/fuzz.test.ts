/** A sample of the inputs of fuzz.long.test.ts. */
import { expect, it } from 'vitest';
import { BOUND_MS, drive } from './drive';
import { PARSERS } from './parsers';

it.each(PARSERS)(
  '%s: each input is read, or refused in words, within the time limit',
  async (_, parser, sample) => {
    const report = await drive(parser, sample, 1);
    expect(report.failures).toEqual([]);
    expect(report.inputs).toBe(sample);
    expect(report.accepted).toBeGreaterThan(0);
    expect(report.slowestMs).toBeLessThan(BOUND_MS);
  },
  120_000,
);
