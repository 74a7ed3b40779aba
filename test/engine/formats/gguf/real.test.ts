import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../src/engine';
import { readJsonFixture } from '../../../fixtures';
import { realModel } from '../../real-models';
import { variedTexts } from '../../tokenizer/varied-texts';

/** Per model: for each of 500 texts, the first six hex digits of SHA-256 over llama.cpp's ids ("1,2,3"). */
const EXPECTED = readJsonFixture<Record<string, string>>('llama-cpp-tokens.json');
const SHAPES: Readonly<Record<string, object>> = {
  'SmolLM2-135M-Instruct.Q4_1.gguf': { architecture: 'llama', layers: 30, hiddenSize: 576, tiedEmbeddings: true },
  'Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf': {
    architecture: 'qwen2',
    layers: 24,
    hiddenSize: 896,
    tiedEmbeddings: false,
  },
  'Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf': { architecture: 'qwen2', layers: 28, hiddenSize: 1536 },
};

describe.each(Object.keys(EXPECTED))('the published file %s', (name) => {
  const path = realModel(name);

  it.skipIf(path === undefined)('opens, and its weights are readable in ranges', async () => {
    const checkpoint = await openCheckpoint(path as string);
    expect(checkpoint.config).toMatchObject(SHAPES[name] as object);
    const { headDim, hiddenSize } = checkpoint.config;
    const tensor = 'model.layers.0.self_attn.k_proj.weight';
    const head = await checkpoint.tensors.readFloat32(tensor, { from: 0, to: headDim });
    const row = await checkpoint.tensors.readFloat32(tensor, { from: 5, to: 6 });
    expect(row).toEqual(head.slice(5 * hiddenSize, 6 * hiddenSize));
    await checkpoint.close();
  });

  it.skipIf(path === undefined)('has the tokens of llama.cpp, and decodes them to the text', async () => {
    const checkpoint = await openCheckpoint(path as string);
    const tokenizer = await checkpoint.openTokenizer();
    await checkpoint.close();
    const different = variedTexts(500, 1).filter((text, i) => {
      const ids = tokenizer.encode(text, { addSpecialTokens: false });
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text);
      const digest = createHash('sha256').update(ids.join()).digest('hex').slice(0, 6);
      return digest !== EXPECTED[name]?.slice(6 * i, 6 * i + 6);
    });
    expect(different).toEqual([]);
  });

  it.skipIf(path === undefined)('has a chat template', async () => {
    const checkpoint = await openCheckpoint(path as string);
    const template = await checkpoint.openChatTemplate();
    await checkpoint.close();
    expect(template?.render([{ role: 'user', content: 'Hi' }])).toContain('<|im_start|>user\nHi<|im_end|>');
  });
});
