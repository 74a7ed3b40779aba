/** A sample of the campaigns. kills-and-faults.long.test.ts runs 200 kills and 1,000 faults. */
import { expect, it } from 'vitest';
import { failStores, killWorkers } from './kills-and-faults';

it('loses nothing when workers are killed', { timeout: 300_000 }, async () => {
  const report = await killWorkers(6);
  expect(report).toMatchObject({ kills: 6, lost: 0 });
});

it('loses nothing and harms nothing when the store fails', { timeout: 300_000 }, async () => {
  const report = await failStores(100, 11);
  expect(report.faults).toBeGreaterThanOrEqual(100);
  expect(report.lost).toBe(0);
});
