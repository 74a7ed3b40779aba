/** 500 kills; `ANCHORAGE_SEED` and `ANCHORAGE_INPUTS` choose others. */
import { expect, it } from 'vitest';
import { kills } from './kills';
import { campaign } from './results';

it(
  'a killed command leaves nothing broken, lost or running',
  async () => {
    const report = await campaign('Kills and damaged models', kills, Number(process.env['ANCHORAGE_INPUTS'] ?? 500));
    expect(report.failures).toEqual([]);
  },
  6 * 3_600_000,
);
