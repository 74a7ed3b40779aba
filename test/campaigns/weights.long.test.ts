/** 2,000 damaged models; `ANCHORAGE_SEED` and `ANCHORAGE_INPUTS` choose others. */
import { expect, it } from 'vitest';
import { campaign } from './results';
import { weights } from './weights';

it(
  'damaged weights are refused or made anew, and never computed with',
  async () => {
    const report = await campaign(
      'Kills and damaged models',
      weights,
      Number(process.env['ANCHORAGE_INPUTS'] ?? 2_000),
    );
    expect(report.failures).toEqual([]);
  },
  6 * 3_600_000,
);
