import { describe, expect, it } from 'vitest';
import { BOUND_MS, fuzzAdapter, fuzzChat, fuzzConfig, fuzzSafetensors, fuzzTokenizer } from './fuzz';
import { fuzzGguf } from './fuzz-gguf';

/** More than 200,000 inputs in all. */
describe('damaged and hostile input, long campaign', () => {
  it.each([
    ['config.json', fuzzConfig, 40_000],
    ['safetensors', fuzzSafetensors, 25_000],
    ['GGUF', fuzzGguf, 110_000],
    ['adapters and indexes', fuzzAdapter, 12_000],
    ['tokenizer.json', fuzzTokenizer, 18_000],
    ['chat templates', fuzzChat, 6_000],
  ] as const)(
    '%s',
    async (name, fuzz, inputs) => {
      const report = await fuzz(inputs, 10_000_000);
      console.log(
        name,
        JSON.stringify({
          ...report,
          slowestMs: Math.round(report.slowestMs),
          heapGrowthMB: Math.round(report.heapGrowthBytes / 1e6),
        }),
      );
      expect(report.failures).toEqual([]);
      expect(report.slowestMs).toBeLessThan(BOUND_MS);
      expect(report.heapGrowthBytes).toBeLessThan(1e9);
    },
    3_600_000,
  );
});
