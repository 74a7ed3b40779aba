/** 500 kills; `ANCHORAGE_SEED` and `ANCHORAGE_INPUTS` choose others. */
import { expect, it } from 'vitest';
import { drive } from './drive';
import { kills } from './kills';
import { saveDrive, SEED } from './results';

it(
  'a killed command leaves nothing broken, lost or running',
  async () => {
    const report = await drive(kills, Number(process.env['ANCHORAGE_INPUTS'] ?? 500), SEED);
    await saveDrive('Kills and damaged models', report);
    expect(report.failures).toEqual([]);
  },
  6 * 3_600_000,
);
