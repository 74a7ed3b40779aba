import { describe, expect, it } from 'vitest';
import { unpackScale } from '../../../../src/engine/decoder/quantize';
import { dequantizeOf, blocksFrom } from '../../../../src/engine/formats/gguf';
import type { TensorDtype } from '../../../../src/engine/formats/tensor-source';
import { readJsonFixture } from '../../../fixtures';

/** Random blocks of each type, and their values from ggml's dequantize_row_*. */
const cases = readJsonFixture<Record<string, { blocks: string; values: string }>>('ggml-blocks.json');

const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const floatsOf = (text: string) => new Float32Array(bytesOf(text).buffer);

describe('dequantization', () => {
  it.each(Object.keys(cases))('of %s equals that of ggml', (dtype) => {
    const { blocks, values } = cases[dtype] as { blocks: string; values: string };
    const expected = floatsOf(values);
    const out = new Float32Array(expected.length);
    dequantizeOf(dtype as TensorDtype)?.(bytesOf(blocks), out);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeGreaterThan(0.1);
    out.forEach((value, i) => expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-6 * largest));
  });

  it.each([
    ['Q8_0', 8],
    ['Q5_0', 8],
    ['Q4_0', 8],
    ['IQ4_NL', 8],
    ['Q4_0', 4],
  ] as const)('blocks of %s keep their values in blocks of %s bits', (dtype, bits) => {
    const { blocks, values } = cases[dtype] as { blocks: string; values: string };
    const expected = floatsOf(values);
    const made = blocksFrom(dtype, bits)?.(bytesOf(blocks));
    if (!made) throw new Error(`no blocks of ${bits} bits from ${dtype}`);
    const { levels, scales } = made;
    expected.forEach((value, i) => {
      const packed = levels[bits === 8 ? i : i >> 1] as number;
      const level = bits === 8 ? packed : (packed >> (4 * (i & 1))) & 15;
      const word = scales[i >> 5] as number;
      const { scale, zero } = bits === 8 ? { scale: word, zero: 128 } : unpackScale(word);
      expect(Math.fround((level - zero) * scale)).toBe(value);
    });
  });

  it('widens floats of 16 bits', () => {
    const out = new Float32Array(2);
    dequantizeOf('BF16')?.(Uint8Array.of(0x80, 0x3f, 0, 0xc0), out);
    expect([...out]).toEqual([1, -2]);
    dequantizeOf('F16')?.(Uint8Array.of(0, 0x3c, 0, 0xc0), out);
    expect([...out]).toEqual([1, -2]);
  });
});
