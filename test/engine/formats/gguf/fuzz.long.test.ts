import { describe, expect, it } from 'vitest';
import { fuzzGguf } from './fuzz';

/** ANCHORAGE_FUZZ_INPUTS and ANCHORAGE_FUZZ_SEED choose another campaign. */
const INPUTS = Number(process.env['ANCHORAGE_FUZZ_INPUTS'] ?? 100_000);
const SEED = Number(process.env['ANCHORAGE_FUZZ_SEED'] ?? 1);

describe('a hundred thousand damaged and hostile GGUF files', () => {
  it('are each a model, or an error that names the file', async () => {
    const report = await fuzzGguf(INPUTS, SEED);
    console.log(JSON.stringify({ ...report, failures: report.failures.length }));
    expect(report.failures.slice(0, 10)).toEqual([]);
  }, 3_600_000);
});
