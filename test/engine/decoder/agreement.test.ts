import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder, openCheckpoint } from '../../../src/engine';
import { FAMILIES, fixture, readFloats } from '../../fixtures';
import { sharedData } from '../../shared-data';

/** Largest difference between two rows of logits. */
function gap(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

async function openDecoder(directory: string, chunkTokens = 256): Promise<Decoder> {
  const checkpoint = await openCheckpoint(directory);
  const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1, chunkTokens });
  await checkpoint.close();
  return decoder;
}

describe.each(FAMILIES)('%s agrees with PyTorch transformers', (family) => {
  const directory = fixture(`checkpoints/${family}`);
  const { ids } = JSON.parse(readFileSync(join(directory, 'reference.json'), 'utf8')) as { ids: number[] };
  const expected = readFloats(join(directory, 'reference.f32'));

  it('in one prefill', async () => {
    const decoder = await openDecoder(directory);
    const { logits } = await decoder.newContext(undefined, ids.length).prefill(ids, { logits: 'all' });
    expect(gap(logits, expected)).toBeLessThan(1e-4);
    await decoder.close();
  });

  it('in chunks and token by token', async () => {
    const decoder = await openDecoder(directory, 7);
    const context = decoder.newContext(undefined, ids.length);
    const half = Math.floor(ids.length / 2);
    const { logits } = await context.prefill(ids.slice(0, half), { logits: 'all' });
    const rows = [logits];
    for (const id of ids.slice(half)) rows.push(await context.decode(id));
    const all = Float32Array.from(rows.flatMap((row) => [...row]));
    expect(gap(all, expected)).toBeLessThan(1e-4);
    await decoder.close();
  });
});

describe.each(['stories260K', 'babyllama-char'])('%s agrees with llama2.c', (name) => {
  const directory = sharedData(`checkpoints/${name}`);
  let decoder: Decoder | undefined;
  beforeAll(async () => {
    if (directory) decoder = await openDecoder(directory);
  });
  afterAll(() => decoder?.close());

  it.skipIf(!directory)('in every logit and every chosen token', async () => {
    const { ids } = JSON.parse(readFileSync(join(directory as string, 'ref.json'), 'utf8')) as { ids: number[] };
    const expected = readFloats(join(directory as string, 'ref_logits.f32'));
    const vocab = (decoder as Decoder).config.vocabSize;
    const rows = expected.length / vocab;
    const { logits } = await (decoder as Decoder)
      .newContext(undefined, rows)
      .prefill(ids.slice(0, rows), { logits: 'all' });
    expect(gap(logits, expected)).toBeLessThan(2e-4);
    for (let row = 0; row < rows; row++) {
      const of = (all: Float32Array) => all.subarray(row * vocab, (row + 1) * vocab);
      expect(argmax(of(logits))).toBe(argmax(of(expected)));
    }
  });
});

function argmax(values: Float32Array): number {
  return values.indexOf(values.reduce((a, b) => Math.max(a, b)));
}
