/** Some of the faults of weights.long.test.ts. */
import { expect, it } from 'vitest';
import { drive } from './drive';
import { weights } from './weights';

it('damaged weights are refused or made anew, and never computed with', async () => {
  const report = await drive(weights, 25, 1);
  expect(report.failures).toEqual([]);
  expect(report.accepted).toBeGreaterThan(0);
  expect(Object.keys(report.refused).length).toBeGreaterThan(0);
}, 120_000);
