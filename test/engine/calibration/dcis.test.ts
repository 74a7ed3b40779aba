import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decoder, openCheckpoint, storeFactors, storedRopeNames } from '../../../src/engine';
import { searchFactors, type DcisState } from '../../../src/engine/calibration/dcis';
import { ropeFrequencies } from '../../../src/engine/rope/frequencies';
import { factorPerplexity, needleRows, perplexityRows } from '../../../src/engine/calibration/objective';
import { fixture } from '../../fixtures';

const ones = (n: number) => new Float64Array(n).fill(1);

describe('the DCIS search', () => {
  it('makes the evaluations of the paper: ten increments for 2 + 4 + … + n segments', async () => {
    for (const [dimensions, segments] of [
      [64, 126],
      [32, 62],
      [8, 14],
      [4, 6],
    ] as const) {
      const { evaluations } = await searchFactors({ initial: ones(dimensions), objective: () => Promise.resolve(5) });
      expect(evaluations).toBe(1 + 10 * segments);
    }
  });

  it('moves halves first, from the lowest frequencies, over ten even increments from −5 to 5', async () => {
    const seen: number[][] = [];
    await searchFactors({ initial: ones(4), objective: (factors) => Promise.resolve(seen.push([...factors])) });
    expect(seen[0]).toEqual([1, 1, 1, 1]);
    // The objective grows with each call, so the first increment of each segment wins: 1 − 5 is held above zero.
    seen.slice(1, 11).forEach((factors, i) => {
      const value = Math.max(1e-4, 1 - 5 + (10 * i) / 9);
      expect(factors).toEqual([1, 1, expect.closeTo(value, 9), expect.closeTo(value, 9)]);
    });
    expect(seen[11]).toEqual([1e-4, 1e-4, 1e-4, 1e-4]);
    // Children: lowest frequency first, in the range of the parent's best three increments plus one step.
    const width = 10 / 9;
    const low = -5 - width + 5;
    const high = -5 + 2 * width + width + 5;
    seen
      .slice(21, 31)
      .forEach((factors, i) => expect(factors[3]).toBeCloseTo(Math.max(1e-4, 1e-4 + low + ((high - low) * i) / 9), 9));
    expect(seen[40]?.[3]).toBeCloseTo(1e-4, 9);
    expect(seen[40]?.[2]).toBeGreaterThan(1);
  });

  it('finds factors that are not monotone, and never returns worse ones than the initial factors', async () => {
    const target = [1, 3.5, 2, 6, 4, 4.2, 9, 7];
    const distance = (factors: Float64Array) =>
      Math.sqrt(factors.reduce((sum, f, i) => sum + (f - (target[i] as number)) ** 2, 0));
    const result = await searchFactors({
      initial: Float64Array.from([1, 1, 2, 3, 4, 4, 4, 4]),
      objective: (factors) => Promise.resolve(2 + distance(factors)),
    });
    expect(result.objective).toBeLessThan(3.2);
    expect([...result.factors].some((factor, i, all) => i > 0 && factor < (all[i - 1] as number))).toBe(true);
    expect(distance(result.factors)).toBeCloseTo(result.objective - 2, 9);
    expect(result.initialObjective).toBeGreaterThan(8);
    const stuck = await searchFactors({
      initial: ones(4),
      objective: (factors) => Promise.resolve(factors.every((f) => f === 1) ? 3 : 50),
    });
    expect([...stuck.factors]).toEqual([1, 1, 1, 1]);
  });

  it('with `mayStay` can keep a segment, and then its result is the best evaluation', async () => {
    const target = [1, 1.2, 2, 3];
    const distance = (factors: Float64Array) =>
      Math.sqrt(factors.reduce((sum, f, i) => sum + (f - (target[i] as number)) ** 2, 0));
    const objective = (factors: Float64Array) => Promise.resolve(2 + distance(factors));
    const staying = await searchFactors({ initial: Float64Array.from([1, 1, 2, 4]), objective, mayStay: true });
    expect([...staying.last]).toEqual([...staying.factors]);
    expect(staying.objective).toBeLessThan(2.3);
    expect(staying.evaluations).toBe(61);
    const still = await searchFactors({ initial: Float64Array.from(target), objective, mayStay: true });
    expect([...still.last]).toEqual(target);
  });

  it('keeps a segment if every candidate is invalid, and continues with the same range', async () => {
    const seen: number[][] = [];
    const result = await searchFactors({
      initial: ones(2),
      objective: (factors) => {
        seen.push([...factors]);
        return Promise.resolve(seen.length === 1 ? 4 : ([NaN, Infinity, 100][seen.length % 3] as number));
      },
    });
    expect([...result.last]).toEqual([1, 1]);
    expect(seen.length).toBe(21);
  });

  it('resumes after an interruption with the same result', async () => {
    const objective = (factors: Float64Array) =>
      Promise.resolve(3 + factors.reduce((sum, f, i) => sum + Math.abs(f - 1 - ((i * 7) % 5)), 0) / 4);
    const whole = await searchFactors({ initial: ones(6), objective });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: whole.evaluations - 1 }), async (stopAt) => {
        let stored: DcisState | undefined;
        const abort = new AbortController();
        await expect(
          searchFactors({
            initial: ones(6),
            objective,
            signal: abort.signal,
            onStep: (state, { evaluations }) => {
              stored = JSON.parse(JSON.stringify(state)) as DcisState;
              if (evaluations === stopAt) abort.abort();
            },
          }),
        ).rejects.toMatchObject({ code: 'cancelled' });
        const resumed = await searchFactors({ initial: ones(6), objective, state: stored as DcisState });
        expect(resumed).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  it('reports progress that ends at the total', async () => {
    const seen: number[] = [];
    let total = 0;
    await searchFactors({
      initial: ones(6),
      objective: () => Promise.resolve(5),
      onStep: (_, progress) => {
        seen.push(progress.evaluations);
        total = progress.total;
      },
    });
    expect(seen.at(-1)).toBe(total);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe('calibration rows', () => {
  const text = Array.from({ length: 500 }, (_, i) => 3 + ((i * 37) % 100));

  it('start at the beginning of the text, after the first token', () => {
    const rows = perplexityRows(text, 100, 3, 1);
    expect(rows.length).toBe(3);
    expect(rows[1]?.tokens).toEqual([1, ...text.slice(99, 198)]);
    expect(rows[0]?.counts[0]).toBe(0);
    expect(perplexityRows(text, 100, 99).length).toBe(5);
    expect(() => perplexityRows(text, 501, 1)).toThrow(RangeError);
  });

  it('contain needles that are repeated at the end, and only the repetition counts', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 60, max: 400 }), (seed, length) => {
        const [row] = needleRows(text, length, 1, seed, 1);
        const { tokens, counts } = row as { tokens: number[]; counts: Uint8Array };
        expect(tokens.length).toBe(length);
        const needles = counts.reduce((a, b) => a + b, 0) / 8;
        expect(needles).toBeGreaterThanOrEqual(1);
        for (let i = 0; i < needles; i++) {
          const end = length - 12 * (needles - i);
          const needle = tokens.slice(end, end + 12).join();
          expect(tokens.slice(0, length - 12 * needles).join()).toContain(needle);
          expect([...counts.subarray(end, end + 12)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
        }
        expect(needleRows(text, length, 1, seed, 1)).toEqual([row]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('factors stored with a checkpoint', () => {
  it('have a name that selects them, and do not change prompts within the trained window', async () => {
    const directory = join(await mkdtemp(join(tmpdir(), 'rope-')), 'model');
    await cp(fixture('checkpoints/llama2'), directory, { recursive: true });
    const plain = await openCheckpoint(directory);
    const factors = Float64Array.from([1, 2.5, 2, 4]);
    await storeFactors(plain.ropeFile, plain.config.rope, 'dcis-4x', {
      extension: 4,
      attentionFactor: 1.14,
      factors,
      note: 'test',
    });
    await storeFactors(plain.ropeFile, plain.config.rope, 'other', {
      extension: 2,
      attentionFactor: 1,
      factors: ones(4),
      note: '',
    });
    expect(await storedRopeNames(plain.ropeFile)).toEqual(['dcis-4x', 'other']);
    const scaled = await openCheckpoint(directory, { rope: 'dcis-4x' });
    expect(scaled.config.maxPositions).toBe(1024);
    expect(scaled.fingerprint).toBe(plain.fingerprint);
    expect(ropeFrequencies(scaled.config.rope, 256)).toEqual(ropeFrequencies(plain.config.rope, 256));
    expect(ropeFrequencies(scaled.config.rope, 257).attentionScale).toBe(1.14);
    for (const name of ['linear:4', 'ntk:4', 'yarn:2.5']) {
      const { config, close } = await openCheckpoint(directory, { rope: name });
      expect(config.rope.scaling.type).toBe('longrope');
      await close();
    }
    await expect(openCheckpoint(directory, { rope: 'nothing' })).rejects.toMatchObject({
      code: 'missing',
      field: 'nothing',
      message: expect.stringContaining('dcis-4x, other') as string,
    });
    await expect(openCheckpoint(directory, { rope: 'linear:0.5' })).rejects.toMatchObject({ code: 'outOfRange' });
    await expect(
      storeFactors(plain.ropeFile, plain.config.rope, '../x', { extension: 1, attentionFactor: 1, factors, note: '' }),
    ).rejects.toMatchObject({ code: 'malformed' });
    const stored = JSON.parse(await readFile(join(directory, 'rope_factors.json'), 'utf8')) as {
      factors: Record<string, { factors: unknown }>;
    };
    (stored.factors['other'] as { factors: unknown }).factors = [1, 2];
    await writeFile(join(directory, 'rope_factors.json'), JSON.stringify(stored));
    await expect(openCheckpoint(directory, { rope: 'other' })).rejects.toMatchObject({
      code: 'mismatch',
      field: 'factors.other.factors',
    });
    await Promise.all([plain.close(), scaled.close()]);
  });

  it('are evaluated by the perplexity of a forward pass with them', async () => {
    const checkpoint = await openCheckpoint(fixture('checkpoints/llama2'));
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
    const text = Array.from({ length: 300 }, (_, i) => 3 + ((i * 37) % 100));
    const rows = perplexityRows(text, 280, 1, 1);
    const plain = await factorPerplexity(decoder, rows, ones(4), 1);
    const same = await factorPerplexity(decoder, rows, ones(4), 4, 1);
    expect(same).toBeCloseTo(plain, 6);
    expect(
      await factorPerplexity(
        decoder,
        rows,
        ones(4).map((f) => 3 * f),
        4,
      ),
    ).not.toBeCloseTo(plain, 2);
    expect(await factorPerplexity(decoder, needleRows(text, 280, 1, 3, 1), ones(4), 1)).toBeGreaterThan(1);
    await decoder.close();
    await checkpoint.close();
  });
});
