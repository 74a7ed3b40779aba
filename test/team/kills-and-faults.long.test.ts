/** 200 kills of workers and 1,000 faults of the store; the rows are written to docs/results/trust.md. */
import { expect, it } from 'vitest';
import { saveRow } from '../campaigns/results';
import { failStores, killWorkers } from './kills-and-faults';

const SECTION = 'A team’s memory';
const seed = Number(process.env['ANCHORAGE_SEED'] ?? 1);

it('loses nothing when workers are killed 200 times, at each step', { timeout: 3_600_000 }, async () => {
  const { kills, steps, lost } = await killWorkers(200);
  await saveRow(SECTION, ['workers killed', kills, lost, `at each of up to ${steps} steps`]);
  // The last pair of kills may pass 200.
  expect(kills).toBeGreaterThanOrEqual(200);
  expect(lost).toBe(0);
});

it('loses nothing and harms nothing over 1,000 faults of the store', { timeout: 3_600_000 }, async () => {
  const { faults, byKind, lost } = await failStores(1_000, seed);
  const kinds = Object.entries(byKind).map(([kind, times]) => `${kind} ${times}`);
  await saveRow(SECTION, ['faults of the store', faults, lost, kinds.join(', ')]);
  expect(faults).toBeGreaterThanOrEqual(1_000);
  expect(lost).toBe(0);
});
