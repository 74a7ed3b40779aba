import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/engine/architectures/config';
import type { RopeConfig } from '../../../src/engine/checkpoint/types';
import {
  effectiveFactors,
  ropeFrequencies,
  rotateRows,
  rotationTable,
  withFactors,
} from '../../../src/engine/rope/frequencies';
import { readJsonFixture } from '../../fixtures';

interface RopeFixture {
  hidden_size: number;
  num_attention_heads: number;
  max_position_embeddings: number;
  cases: { rope: Record<string, unknown>; length: number; inverse: number[]; scale: number }[];
}

const fixture = readJsonFixture<RopeFixture>('checkpoints/rope.json');

function configFor(rope: Record<string, unknown>, layout: 'new' | 'old'): RopeConfig {
  const { rope_theta: theta, ...scaling } = rope;
  const common = {
    model_type: 'llama',
    hidden_size: fixture.hidden_size,
    num_attention_heads: fixture.num_attention_heads,
    vocab_size: 10,
    intermediate_size: 8,
    num_hidden_layers: 1,
    max_position_embeddings: fixture.max_position_embeddings,
  };
  return parseConfig(
    layout === 'new' ? { ...common, rope_parameters: rope } : { ...common, rope_theta: theta, rope_scaling: scaling },
    'config.json',
  ).rope;
}

describe('rotary frequencies', () => {
  it.each(fixture.cases)('agree with transformers: $rope.rope_type at $length', ({ rope, length, inverse, scale }) => {
    for (const layout of ['new', 'old'] as const) {
      const ours = ropeFrequencies(configFor(rope, layout), length);
      expect(ours.inverse.length).toBe(inverse.length);
      inverse.forEach((value, i) => expect(Math.abs((ours.inverse[i] as number) / value - 1)).toBeLessThan(2e-6));
      expect(ours.attentionScale).toBeCloseTo(scale, 6);
    }
  });

  const plain: RopeConfig = { theta: 10_000, rotaryDim: 16, originalMaxPositions: 128, scaling: { type: 'default' } };

  it('NTK keeps the fastest pair and interpolates the slowest by the factor', () => {
    const factors = effectiveFactors({ ...plain, scaling: { type: 'ntk', factor: 4 } }, 512);
    expect(factors[0]).toBeCloseTo(1, 12);
    expect(factors[7]).toBeCloseTo(4, 10);
    for (let i = 1; i < 8; i++) expect(factors[i]).toBeGreaterThan(factors[i - 1] as number);
  });

  it('run-time factors apply only beyond the trained window', () => {
    const factors = Float64Array.from([1, 3, 2, 5, 4, 4, 9, 8]);
    for (const scaling of [{ type: 'default' }, { type: 'yarn', factor: 2, betaFast: 32, betaSlow: 1 }] as const) {
      const base = { ...plain, scaling };
      const changed = withFactors(base, factors, 4);
      const within = ropeFrequencies(changed, 128);
      const original = ropeFrequencies(base, 128);
      expect(within.attentionScale).toBe(original.attentionScale);
      within.inverse.forEach((value, i) => expect(value).toBeCloseTo(original.inverse[i] as number, 12));
      const beyond = ropeFrequencies(changed, 129);
      expect(beyond.attentionScale).toBeCloseTo(0.1 * Math.log(4) + 1, 12);
      expect([...effectiveFactors(changed, 129)].map((f) => Math.round(f * 1e9) / 1e9)).toEqual([...factors]);
    }
    expect(() => withFactors(plain, new Float64Array(3), 4)).toThrow(RangeError);
  });

  it('rotations compose, R(a) R(b) = R(a + b), and a partial rotation keeps the other dimensions', () => {
    const frequencies = ropeFrequencies({ ...plain, rotaryDim: 6 }, 1);
    const original = Float32Array.from({ length: 2 * 2 * 8 }, (_, i) => Math.sin(i));
    const twice = original.slice();
    rotateRows(twice, 2, 8, rotationTable(frequencies, [30, 7]));
    rotateRows(twice, 2, 8, rotationTable(frequencies, [12, -2]));
    const once = original.slice();
    rotateRows(once, 2, 8, rotationTable(frequencies, [42, 5]));
    twice.forEach((value, i) => expect(value).toBeCloseTo(once[i] as number, 5));
    for (let head = 0; head < 4; head++)
      expect(once.slice(head * 8 + 6, head * 8 + 8)).toEqual(original.slice(head * 8 + 6, head * 8 + 8));
    expect(once).not.toEqual(original);
  });
});
