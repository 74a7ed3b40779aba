import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder, openCheckpoint, type Checkpoint } from '../../../../src/engine';
import { readJsonFixture } from '../../../fixtures';
import { tinyGemma3 } from './tiny-gemma3';

/** Results of llama.cpp on the file: the best next token after each, and the digest of the ids of texts. */
interface Expected {
  best: number[];
  texts: number;
  ids: string;
}

describe('a Gemma 3 file of random weights', () => {
  const expected = readJsonFixture<Expected>('llama-cpp-gemma3.json');
  let directory: string;
  let checkpoint: Checkpoint;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'gemma3-llama-'));
    const path = join(directory, 'tiny.gguf');
    writeFileSync(path, tinyGemma3.bytes());
    checkpoint = await openCheckpoint(path);
  });
  afterAll(async () => {
    await checkpoint.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('has the best next token of llama.cpp after each of 151, over thirty windows', async () => {
    const tokens = tinyGemma3.tokens(expected.best.length);
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
    const { logits } = await decoder.newContext(undefined, tokens.length).prefill(tokens, { logits: 'all' });
    await decoder.close();
    const { vocabSize } = tinyGemma3;
    const best = tokens.map((_, i) => {
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
      return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
    });
    expect(best).toEqual(expected.best);
  });

  it('cuts texts as llama.cpp does', async () => {
    const tokenizer = await checkpoint.openTokenizer();
    const hash = createHash('sha256');
    for (const text of tinyGemma3.texts(expected.texts))
      hash.update(`${tokenizer.encode(text, { addSpecialTokens: false }).join()}\n`);
    expect(hash.digest('hex')).toBe(expected.ids);
  });
});
