import { expect, it } from 'vitest';
import { failStores, killWorkers } from './kills-and-faults';

const seed = Number(process.env['ANCHORAGE_SEED'] ?? 1);

it('loses nothing when workers are killed 200 times, at each step', { timeout: 3_600_000 }, async () => {
  expect(await killWorkers(200)).toMatchObject({ kills: 200, lost: 0 });
});

it('loses nothing and harms nothing over 1,000 faults of the store', { timeout: 3_600_000 }, async () => {
  const report = await failStores(1_000, seed);
  expect(report.faults).toBeGreaterThanOrEqual(1_000);
  expect(report.lost).toBe(0);
});
