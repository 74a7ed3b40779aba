/**
 * 100,000 inputs for each parser. `ANCHORAGE_SEED` sets the first seed, `ANCHORAGE_INPUTS` the number of inputs.
 */
import { expect, it } from 'vitest';
import { BOUND_MS } from './drive';
import { PARSERS } from './parsers';
import { campaign } from './results';

const INPUTS = Number(process.env['ANCHORAGE_INPUTS'] ?? 100_000);

it.each(PARSERS)(
  '%s: each input is read, or refused in words, within the time limit',
  async (_, parser) => {
    const report = await campaign('Parsers', parser, INPUTS);
    console.log(JSON.stringify(report.refused));
    expect(report.failures).toEqual([]);
    expect(report.slowestMs).toBeLessThan(BOUND_MS);
    expect(report.heapGrowthBytes).toBeLessThan(1e9);
  },
  6 * 3_600_000,
);
