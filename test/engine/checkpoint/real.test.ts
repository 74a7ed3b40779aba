import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../src/engine/checkpoint';
import { sharedData } from '../../shared-data';

describe.each(['stories260K', 'babyllama-char'])('the published checkpoint %s', (name) => {
  const directory = sharedData(`checkpoints/${name}`);

  it.skipIf(!directory)('opens, and its weights are readable in ranges', async () => {
    const checkpoint = await openCheckpoint(directory as string);
    try {
      const { config, tensors } = checkpoint;
      expect(config).toMatchObject({
        architecture: 'llama',
        layers: 5,
        queryHeads: 8,
        kvHeads: 4,
        tiedEmbeddings: true,
        bosTokenId: 1,
        eosTokenIds: [2],
      });
      const whole = await tensors.readFloat32('model.embed_tokens.weight');
      expect(whole.length).toBe(config.vocabSize * config.hiddenSize);
      const rows = await tensors.readFloat32('model.embed_tokens.weight', { from: 7, to: 9 });
      expect(rows).toEqual(whole.slice(7 * config.hiddenSize, 9 * config.hiddenSize));
      expect(checkpoint.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    } finally {
      await checkpoint.close();
    }
  });
});
