import { describe, expect, it } from 'vitest';
import { fuzzGguf } from './fuzz';

describe('damaged and hostile GGUF files', () => {
  it('are a model, or an error that names the file', async () => {
    const report = await fuzzGguf(400, 11);
    expect(report.failures).toEqual([]);
    expect(report.accepted + Object.values(report.refused).reduce((a, b) => a + b, 0)).toBe(400);
    expect(Object.keys(report.refused).length).toBeGreaterThan(3);
  });
});
