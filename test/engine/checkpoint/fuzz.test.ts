import { describe, expect, it } from 'vitest';
import { BOUND_MS, fuzzAdapter, fuzzChat, fuzzConfig, fuzzSafetensors, fuzzTokenizer } from './fuzz';
import { fuzzGguf } from './fuzz-gguf';

describe('damaged and hostile input', () => {
  it.each([
    ['config.json', fuzzConfig, 1000],
    ['safetensors', fuzzSafetensors, 800],
    ['GGUF', fuzzGguf, 500],
    ['adapters and indexes', fuzzAdapter, 400],
    ['tokenizer.json', fuzzTokenizer, 600],
    ['chat templates', fuzzChat, 300],
  ] as const)(
    '%s: each input is read, or refused with the file named, within the time limit',
    async (_, fuzz, inputs) => {
      const report = await fuzz(inputs, 1);
      expect(report.failures).toEqual([]);
      expect(report.accepted).toBeGreaterThan(0);
      expect(report.accepted).toBeLessThan(inputs);
      expect(Object.keys(report.refused).length).toBeGreaterThan(1);
      expect(report.slowestMs).toBeLessThan(BOUND_MS);
    },
    120_000,
  );
});
