import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Decoder, full, lambda, openCheckpoint } from '../../../src/engine';
import { Tokenizer } from '../../../src/engine/tokenizer/tokenizer';
import { generate } from '../../../src/engine/generate';
import { measurePerplexity, negativeLogLikelihood } from '../../../src/engine/generate/perplexity';
import { ropeFrequencies } from '../../../src/engine/rope/frequencies';
import { fixture, readFloats, readJsonFixture } from '../../fixtures';
import { sharedData } from '../../shared-data';

const open: Decoder[] = [];
async function decoderOf(directory: string, chunkTokens?: number): Promise<Decoder> {
  const checkpoint = await openCheckpoint(directory);
  const decoder = await Decoder.open(checkpoint, {
    weights: 'f32',
    cacheDirectory: null,
    threads: 1,
    ...(chunkTokens ? { chunkTokens } : {}),
  });
  await checkpoint.close();
  open.push(decoder);
  return decoder;
}
afterEach(async () => {
  for (const decoder of open.splice(0)) await decoder.close();
});

describe('generation', () => {
  const stories = sharedData('checkpoints/stories260K');
  it.skipIf(!stories)('with stories260K has the known greedy continuation', async () => {
    const decoder = await decoderOf(stories as string);
    const pieces = JSON.parse(readFileSync(join(stories as string, 'vocab.json'), 'utf8')) as string[];
    const { tokens, reason } = await generate(decoder, decoder.newContext(full(), 256), [1], { maxNewTokens: 90 });
    const text = tokens
      .map((id) => pieces[id])
      .join('')
      .replaceAll('▁', ' ');
    expect(text).toContain(
      'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.',
    );
    expect(reason).toBe('length');
  });

  it('streams exactly the text of its tokens, and the same text for the same seed', async () => {
    const decoder = await decoderOf(fixture('checkpoints/smollm2'));
    const tokenizer = await Tokenizer.open(fixture('checkpoints/smollm2'), decoder.config.vocabSize);
    const prompt = tokenizer.encode('The keeper');
    const run = async (seed: number) => {
      let streamed = '';
      const result = await generate(
        decoder,
        decoder.newContext(),
        prompt,
        { maxNewTokens: 40, stopTokens: [], sampling: { temperature: 1, seed }, onText: (text) => (streamed += text) },
        tokenizer,
      );
      expect(streamed).toBe(result.text);
      expect(result.text).toBe(tokenizer.decode([...prompt, ...result.tokens]).slice(tokenizer.decode(prompt).length));
      expect(result).toMatchObject({ reason: 'length', promptTokens: prompt.length, seed });
      return result.text;
    };
    const first = await run(5);
    expect(await run(5)).toBe(first);
    expect(await run(6)).not.toBe(first);
    const stop = [...first].slice(10, 12).join('');
    const stopped = await generate(
      decoder,
      decoder.newContext(),
      prompt,
      { maxNewTokens: 40, stopTokens: [], stopStrings: [stop], sampling: { temperature: 1, seed: 5 } },
      tokenizer,
    );
    expect(stopped).toMatchObject({ reason: 'stopString', text: first.slice(0, first.indexOf(stop)) });
  });

  it("stops at the checkpoint's end tokens, which are not part of the text", async () => {
    const decoder = await decoderOf(fixture('checkpoints/llama2'));
    const all = await generate(decoder, decoder.newContext(), [1, 5], { maxNewTokens: 8, stopTokens: [] });
    const end = all.tokens[4] as number;
    const cut = await generate(decoder, decoder.newContext(), [1, 5], { maxNewTokens: 8, stopTokens: [end] });
    expect(cut).toMatchObject({ reason: 'stopToken', tokens: all.tokens.slice(0, all.tokens.indexOf(end)) });
  });

  it('refuses a prompt that does not fit, or truncates it and reports this, and uses every row', async () => {
    const decoder = await decoderOf(fixture('checkpoints/llama2'));
    const prompt = Array.from({ length: 30 }, (_, i) => 3 + i);
    const small = decoder.newContext(full(), 34);
    await expect(generate(decoder, small, prompt, { maxNewTokens: 6, stopTokens: [] })).rejects.toMatchObject({
      code: 'contextFull',
      needed: 35,
      free: 34,
    });
    expect(small.position).toBe(0);
    expect((await generate(decoder, small, prompt, { maxNewTokens: 5, stopTokens: [] })).tokens.length).toBe(5);
    expect(small.free).toBe(0);
    const cut = await generate(decoder, decoder.newContext(full(), 20), prompt, {
      maxNewTokens: 6,
      stopTokens: [],
      cut: 'keepEnd',
    });
    expect(cut).toMatchObject({ promptTokens: 15, cut: { rule: 'keepEnd', from: 1, to: 16 } });
    expect(cut.tokens.length).toBe(6);
    // Λ needs rows only for its sinks and window, so the same prompt fits a context of twelve.
    const bounded = decoder.newContext(lambda({ sinks: 2, window: 8 }), 300);
    expect((await generate(decoder, bounded, prompt, { maxNewTokens: 300, stopTokens: [] })).tokens.length).toBe(300);
  });

  it('can be cancelled between chunks and between tokens', async () => {
    const decoder = await decoderOf(fixture('checkpoints/llama2'), 16);
    const prompt = Array.from({ length: 160 }, (_, i) => 3 + (i % 100));
    const whileReading = new AbortController();
    const context = decoder.newContext();
    const read = await generate(decoder, context, prompt, {
      maxNewTokens: 5,
      signal: whileReading.signal,
      onRead: (done) => done === 48 && whileReading.abort(),
    });
    expect(read).toMatchObject({ reason: 'cancelled', tokens: [] });
    expect(context.position).toBe(48);
    const whileWriting = new AbortController();
    const written = await generate(decoder, decoder.newContext(), [1], {
      maxNewTokens: 50,
      stopTokens: [],
      signal: whileWriting.signal,
      onToken: () => setImmediate(() => whileWriting.abort()),
    });
    expect(written.reason).toBe('cancelled');
    expect(written.tokens.length).toBeLessThan(4);
  });

  it('uses the short rotary factors within the trained window and re-rotates its rows beyond it', async () => {
    const decoder = await decoderOf(fixture('checkpoints/phi3'));
    const window = decoder.config.rope.originalMaxPositions;
    const { ids, vocab } = readJsonFixture<{ ids: number[]; vocab: number }>('checkpoints/phi3/reference.json');
    const short = readFloats(fixture('checkpoints/phi3/reference-short.f32'));
    const long = readFloats(fixture('checkpoints/phi3/reference.f32'));
    const likeliest = (logits: Float32Array, row: number) =>
      logits
        .subarray(row * vocab, (row + 1) * vocab)
        .reduce((best, x, i, all) => (x > (all[best] as number) ? i : best), 0);
    const after = async (count: number) =>
      (await generate(decoder, decoder.newContext(), ids.slice(0, count), { maxNewTokens: 1, stopTokens: [] }))
        .tokens[0];
    expect(await after(window)).toBe(likeliest(short, window - 1));
    expect(await after(64)).toBe(likeliest(long, 63));
    // At the boundary, the earlier rows are re-rotated. The rest is read with the long factors.
    const crossing = await generate(decoder, decoder.newContext(), ids.slice(0, window - 4), {
      maxNewTokens: 12,
      stopTokens: [],
    });
    const byHand = decoder.newContext(full(), 128, { rope: ropeFrequencies(decoder.config.rope, window) });
    let { logits } = await byHand.prefill(ids.slice(0, window - 4));
    for (const token of crossing.tokens) {
      expect(token).toBe(likeliest(logits, 0));
      if (byHand.position === window) byHand.setRope(ropeFrequencies(decoder.config.rope, window + 1));
      logits = await byHand.decode(token);
    }
  });

  it('refuses invalid options', async () => {
    const decoder = await decoderOf(fixture('checkpoints/llama2'));
    await expect(generate(decoder, decoder.newContext(), [], { maxNewTokens: 1 })).rejects.toMatchObject({
      code: 'badInput',
    });
    await expect(
      generate(decoder, decoder.newContext(), [1], { maxNewTokens: 1, stopStrings: ['x'] }),
    ).rejects.toMatchObject({ code: 'badInput' });
    await expect(generate(decoder, decoder.newContext(), [9999], { maxNewTokens: 1 })).rejects.toMatchObject({
      code: 'badInput',
    });
  });
});

describe('perplexity by position', () => {
  it('averages the likelihoods of the reference logits', async () => {
    const decoder = await decoderOf(fixture('checkpoints/qwen2'));
    const { ids, vocab } = readJsonFixture<{ ids: number[]; vocab: number }>('checkpoints/qwen2/reference.json');
    const logits = readFloats(fixture('checkpoints/qwen2/reference.f32'));
    const expected = ids
      .slice(1)
      .map((id, i) => negativeLogLikelihood(logits.subarray(i * vocab, (i + 1) * vocab), id));
    const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
    const report = await measurePerplexity(decoder, [ids, ids.slice(0, 20)], {
      edges: [0, 7, 39, 63],
      chunkTokens: 13,
    });
    expect(report.buckets.map(({ from, to, tokens }) => [from, to, tokens])).toEqual([
      [0, 7, 14],
      [7, 39, 44],
      [39, 63, 24],
    ]);
    expect(report.buckets[0]?.nll).toBeCloseTo(mean(expected.slice(0, 7)), 4);
    expect(report.buckets[1]?.nll).toBeCloseTo(mean([...expected.slice(7, 39), ...expected.slice(7, 19)]), 4);
    expect(report.buckets[2]?.nll).toBeCloseTo(mean(expected.slice(39)), 4);
    expect(report).toMatchObject({ rows: 63, tokens: 82 });
    await expect(measurePerplexity(decoder, [[1]])).rejects.toMatchObject({ code: 'badInput' });
  });

  const model = sharedData('checkpoints/babyllama-char');
  const rows = sharedData('text/tinystories-rows-babyllama-char.json');
  it.skipIf(!model || !rows)('has the known figures of a real model, and constant rows under Λ', async () => {
    const decoder = await decoderOf(model as string);
    const texts = (JSON.parse(readFileSync(rows as string, 'utf8')) as number[][])
      .slice(0, 4)
      .map((row) => row.slice(0, 1024));
    const edges = [1, 128, 256, 512, 1024];
    const nll = (report: { buckets: { from: number; nll: number }[] }, from: number) =>
      report.buckets.find((bucket) => bucket.from === from)?.nll;
    const fullReport = await measurePerplexity(decoder, texts, { edges });
    expect(nll(fullReport, 1)).toBeCloseTo(0.645, 2);
    expect(nll(fullReport, 256)).toBeCloseTo(2.516, 1);
    const bounded = await measurePerplexity(decoder, texts, { edges, policy: () => lambda({ sinks: 8, window: 192 }) });
    expect(nll(bounded, 1)).toBeCloseTo(0.645, 2);
    expect(nll(bounded, 512)).toBeCloseTo(0.86, 2);
    expect(bounded.rows).toBeLessThanOrEqual(8 + 192 + 256);
    expect(fullReport.rows).toBe(1023);
  });
});
