import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax, generator, Sampler, type SamplingOptions } from '../../../src/engine/generate/sampling';

/** How often each token is drawn. */
function frequencies(logits: number[], options: SamplingOptions, draws = 20_000): number[] {
  const sampler = new Sampler({ seed: 7, ...options });
  const counts = new Array<number>(logits.length).fill(0);
  const scores = Float32Array.from(logits);
  for (let i = 0; i < draws; i++) {
    const token = sampler.next(scores);
    counts[token] = (counts[token] as number) + 1;
  }
  return counts.map((count) => count / draws);
}

const softmax = (logits: number[], temperature = 1) => {
  const weights = logits.map((x) => Math.exp(x / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
};

describe('sampling', () => {
  const logits = [2, 1, 0.5, 0, -1, -3];

  it('takes the most likely token by default, the first one of equals', () => {
    expect(new Sampler().next(Float32Array.from([1, 3, 3, 2]))).toBe(1);
    expect(argmax(Float32Array.from([NaN, -5, NaN]))).toBe(1);
  });

  it.each([0.5, 1, 2])('draws with the softmax probabilities at temperature %d', (temperature) => {
    const expected = softmax(logits, temperature);
    frequencies(logits, { temperature }).forEach((share, token) =>
      expect(Math.abs(share - (expected[token] as number))).toBeLessThan(0.015),
    );
  });

  it('keeps exactly the tokens of top-k, top-p and min-p, by an independent reference', () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 2, maxLength: 30 })
          .map((values) => values.map(Math.fround)),
        fc.integer({ min: 0, max: 12 }),
        fc.constantFrom(0.1, 0.5, 0.9, 0.999, 1),
        fc.constantFrom(0, 0.05, 0.3),
        (values, topK, topP, minP) => {
          const order = values.map((_, i) => i).sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
          let kept = topK > 0 ? order.slice(0, topK) : order;
          if (topP < 1) {
            const shares = softmax(kept.map((i) => values[i] as number));
            let sum = 0;
            kept = kept.filter((_, rank) => {
              const before = sum;
              sum += shares[rank] as number;
              // If the sum equals top-p, rounding decides on the next token, so this case is skipped.
              fc.pre(Math.abs(before - topP) > 1e-9);
              return rank === 0 || before < topP;
            });
          }
          const most = Math.max(...values);
          kept = kept.filter((i) => Math.exp((values[i] as number) - most) >= minP);
          const sampler = new Sampler({ temperature: 1, topK, topP, minP, seed: 1 });
          const scores = Float32Array.from(values);
          const allowed = new Set(kept);
          for (let i = 0; i < 60; i++) expect(allowed.has(sampler.next(scores))).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('renormalizes over the remaining tokens', () => {
    const expected = softmax(logits.slice(0, 3));
    frequencies(logits, { temperature: 1, topK: 3 }).forEach((share, token) =>
      expect(Math.abs(share - (expected[token] ?? 0))).toBeLessThan(0.015),
    );
  });

  it('reaches the far tail for a high top-p', () => {
    const flat = new Float32Array(2000);
    flat[0] = 12;
    const sampler = new Sampler({ temperature: 1, topP: 0.9999, seed: 3 });
    const seen = new Set(Array.from({ length: 400 }, () => sampler.next(flat)));
    expect(seen.size).toBeGreaterThan(3);
  });

  it('penalizes tokens in the window: positive scores are divided, negative ones multiplied', () => {
    const sampler = new Sampler({ repetitionPenalty: 2, repetitionWindow: 2 });
    sampler.see([9, 0]);
    expect(sampler.next(Float32Array.from([3, 2, 1]))).toBe(1);
    expect(sampler.next(Float32Array.from([3, 2.9, 1.6]))).toBe(2);
    expect(sampler.next(Float32Array.from([3, 2.9, 1.6]))).toBe(0);
    const negative = new Sampler({ repetitionPenalty: 2 });
    negative.see([0]);
    expect(negative.next(Float32Array.from([-1, -1.5]))).toBe(1);
  });

  it('repeats its draws for a seed, differs between seeds, and does not change the logits', () => {
    const run = (seed: number) => {
      const sampler = new Sampler({ temperature: 1.5, repetitionPenalty: 1.2, seed });
      const scores = Float32Array.from(logits);
      const tokens = Array.from({ length: 40 }, () => sampler.next(scores));
      expect([...scores]).toEqual(logits);
      return tokens.join();
    };
    expect(run(1)).toBe(run(1));
    expect(run(1)).not.toBe(run(2));
    const sampler = new Sampler({ temperature: 1 });
    expect(Number.isInteger(sampler.seed)).toBe(true);
  });

  it('has a uniform random generator', () => {
    const random = generator(42);
    const bins = new Array<number>(10).fill(0);
    for (let i = 0; i < 50_000; i++) bins[Math.floor(random() * 10)]!++;
    for (const count of bins) expect(Math.abs(count - 5000)).toBeLessThan(300);
  });

  it.each([
    { temperature: -1 },
    { temperature: NaN },
    { topP: 0 },
    { topP: 2 },
    { minP: -1 },
    { topK: -3 },
    { repetitionPenalty: 0 },
  ])('refuses %j', (options) => {
    expect(() => new Sampler(options)).toThrow(RangeError);
  });
});
