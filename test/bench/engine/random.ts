import { createHash } from 'node:crypto';
import type { Checkpoint, ModelConfig, TensorSource } from '../../../src/engine';
import { describeLayer } from '../../../src/engine/architectures/layer';
import { expectedTensors } from '../../../src/engine/architectures/layout';

/** SmolLM2-135M's shape. */
export const smolLM2: ModelConfig = {
  architecture: 'llama',
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  queryHeads: 9,
  kvHeads: 3,
  headDim: 64,
  normEps: 1e-5,
  tiedEmbeddings: true,
  layerDescriptions: Array.from({ length: 30 }, () => describeLayer(64)),
  maxPositions: 1 << 21,
  rope: { theta: 100000, rotaryDim: 64, originalMaxPositions: 8192, scaling: { type: 'default' } },
  eosTokenIds: [2],
};

/** The bundled model's shape. */
export const bundledShape: ModelConfig = {
  ...smolLM2,
  vocabSize: 16384,
  hiddenSize: 256,
  intermediateSize: 704,
  layers: 6,
  layerDescriptions: smolLM2.layerDescriptions.slice(0, 6),
  queryHeads: 4,
  kvHeads: 1,
  maxPositions: 4096,
  rope: { theta: 10000, rotaryDim: 64, originalMaxPositions: 512, scaling: { type: 'default' } },
};

/** A checkpoint of random weights (normal, σ = 0.02; norms 1). It serves for timing, not for quality. */
export function randomCheckpoint(config: ModelConfig, seed = 1): Checkpoint {
  const shapes = new Map(expectedTensors(config));
  const shapeOf = (name: string) => shapes.get(name) as readonly number[];
  const tensors: TensorSource = {
    names: () => [...shapes.keys()],
    has: (name) => shapes.has(name),
    info: (name) => {
      const shape = shapeOf(name);
      return { dtype: 'F32', shape, byteLength: 4 * shape.reduce((a, b) => a * b, 1) };
    },
    readFloat32: (name, rows) => {
      const [first = 1, ...rest] = shapeOf(name);
      const width = rest.reduce((a, b) => a * b, 1);
      const from = (rows?.from ?? 0) * width;
      const values = new Float32Array(((rows?.to ?? first) - (rows?.from ?? 0)) * width);
      if (name.includes('norm')) values.fill(1);
      else fillGaussian(values, hash(name) ^ seed, from);
      return Promise.resolve(values);
    },
    close: () => Promise.resolve(),
  };
  const fingerprint = createHash('sha256').update(JSON.stringify({ config, seed })).digest('hex');
  return {
    path: 'random',
    directory: 'random',
    ropeFile: 'random/rope_factors.json',
    config,
    tensors,
    fingerprint,
    openTokenizer: () => Promise.reject(new Error('random weights have no tokenizer')),
    openChatTemplate: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}

/**
 * Fills approximately normal numbers (σ = 0.02). Each depends only on its index: the sum of four bytes of a mixed
 * counter.
 */
function fillGaussian(values: Float32Array, seed: number, from: number): void {
  for (let i = 0; i < values.length; i++) {
    let x = Math.imul(from + i + 1, 0x9e3779b1) ^ seed;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x ^= x >>> 16;
    values[i] = (0.02 * ((x & 255) + ((x >>> 8) & 255) + ((x >>> 16) & 255) + (x >>> 24) - 510)) / 147.8;
  }
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readInt32LE();
}
