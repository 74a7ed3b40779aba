import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Decoder, full, type ModelConfig } from '../../../src/engine';
import { openCompiled } from '../../../src/engine/decoder/compiled';
import { Projections } from '../../../src/engine/decoder/onnx/projection';
import { WEIGHTS_FILE, type StoredTensors } from '../../../src/engine/decoder/weight-file';
import { embeddingMatrix, headFormat, headMatrix, layerMatrices } from '../../../src/engine/decoder/weights';
import { GraphBuilder } from '../../../src/engine/decoder/onnx/graph-builder';
import { rotationTable, ropeFrequencies } from '../../../src/engine/rope/frequencies';
import { benchCache, fill, median, round, stopwatch, table } from './measure';
import { randomCheckpoint, smolLM2 } from './random';

const VERSION = '4.3.1';
const STEPS = 8;

/**
 * Compares with transformers.js on the same 8-bit weights, in the form of its exports: one graph with MatMulNBits and
 * GroupQueryAttention over an f32 cache.
 */
export async function againstTransformersJs(depths: readonly number[], threads: number): Promise<void> {
  const deepest = Math.max(...depths) + 2 * STEPS;
  const compiled = await openCompiled(randomCheckpoint(smolLM2), '8bit', benchCache('compiled'));
  if ('data' in compiled.source) throw new Error('The weights must be in a folder.');
  const folder = writeExport(smolLM2, compiled.stored, compiled.source.directory, deepest);
  const { AutoModelForCausalLM, Tensor, env } = await loadPeer();
  env.allowRemoteModels = false;
  const model = await AutoModelForCausalLM.from_pretrained(folder, {
    dtype: 'q8',
    device: 'cpu',
    local_files_only: true,
    session_options: { intraOpNumThreads: threads },
  });
  const decoder = await Decoder.open(randomCheckpoint(smolLM2), {
    weights: '8bit',
    threads,
    cacheDirectory: benchCache('compiled'),
  });
  const rows = [];
  for (const depth of depths) {
    const context = decoder.newContext(full(), deepest);
    fill(decoder, context, depth);
    const size = smolLM2.kvHeads * depth * smolLM2.headDim;
    let past: Record<string, unknown> = {};
    for (let layer = 0; layer < smolLM2.layers; layer++) {
      for (const part of ['key', 'value'])
        past[`past_key_values.${layer}.${part}`] = new Tensor('float32', new Float32Array(size).fill(0.01), [
          1,
          smolLM2.kvHeads,
          depth,
          smolLM2.headDim,
        ]);
    }
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let step = 0; step < STEPS; step++) {
      let elapsed = stopwatch(threads);
      await context.decode(60 + step);
      ours.push(elapsed());
      const ids = (length: number, value: bigint) =>
        new Tensor('int64', new BigInt64Array(length).fill(value), [1, length]);
      elapsed = stopwatch(threads);
      const out = await model({
        input_ids: ids(1, BigInt(60 + step)),
        attention_mask: ids(depth + step + 1, 1n),
        past_key_values: past,
      });
      theirs.push(elapsed());
      past = Object.fromEntries(
        Object.keys(past).map((name) => [name, out[name.replace('past_key_values', 'present')]]),
      );
    }
    const [a, b] = [median(ours.slice(1)), median(theirs.slice(1))];
    rows.push({
      'rows before': depth,
      'decode tok/s': round(1000 / a),
      'transformers.js': round(1000 / b),
      ratio: round(b / a, 2),
    });
  }
  table(`8 bits beside transformers.js ${VERSION}, ${threads} threads`, rows);
  await model.dispose();
  await decoder.close();
}

/**
 * Writes a model folder in the layout of transformers.js, config.json and onnx/model_quantized.onnx, with the compiled
 * weights.
 */
function writeExport(config: ModelConfig, stored: StoredTensors, weights: string, positions: number): string {
  const folder = benchCache('transformers-export');
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  // The file is copied, because a link out of the folder would be refused.
  copyFileSync(join(weights, WEIGHTS_FILE), join(folder, 'onnx', WEIGHTS_FILE));
  writeFileSync(join(folder, 'onnx', 'model_quantized.onnx'), exportedGraph(config, stored, positions));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      vocab_size: config.vocabSize,
      hidden_size: config.hiddenSize,
      intermediate_size: config.intermediateSize,
      num_hidden_layers: config.layers,
      num_attention_heads: config.queryHeads,
      num_key_value_heads: config.kvHeads,
      head_dim: config.headDim,
      eos_token_id: 2,
    }),
  );
  return folder;
}

function exportedGraph(config: ModelConfig, stored: StoredTensors, positions: number): Uint8Array {
  const { layers, queryHeads, kvHeads, headDim, intermediateSize, vocabSize } = config;
  const g = new GraphBuilder('model');
  const p = new Projections(g, stored);
  const norm = { epsilon: { float: config.normEps } };
  g.input('input_ids', 'int64', ['batch', 'steps']);
  g.input('attention_mask', 'int64', ['batch', 'seen']);
  const angles = rotationTable(
    ropeFrequencies(config.rope, positions),
    Array.from({ length: positions }, (_, i) => i),
  );
  const bytes = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const cos = g.initializer('cos', 'float32', [positions, headDim / 2], bytes(angles.cos));
  const sin = g.initializer('sin', 'float32', [positions, headDim / 2], bytes(angles.sin));
  const last = g.cast(
    g.node('Sub', [
      g.node('ReduceSum', ['attention_mask', g.int64s([1])], { attributes: { keepdims: 0 } }),
      g.int64(1),
    ]),
    'int32',
  );
  const total = g.cast(
    g.node('Gather', [g.node('Shape', ['attention_mask']), g.int64(1)], { attributes: { axis: 0 } }),
    'int32',
  );
  const skip = (a: string, b: string, weight: string) =>
    g.nodes('SkipSimplifiedLayerNormalization', [a, b, p.weight(weight)], {
      domain: 'com.microsoft',
      attributes: norm,
      outputs: [`${weight}.out`, '', '', `${weight}.sum`],
    });
  let stream = p.rows('input_ids', embeddingMatrix(config), '8bit');
  let x = g.node('SimplifiedLayerNormalization', [stream, p.weight('layer0.norm1')], {
    attributes: { axis: -1, ...norm },
  });
  for (let layer = 0; layer < layers; layer++) {
    const matrices = layerMatrices(config, layer);
    const format = '8bit';
    const cache = ['key', 'value'].map((part) =>
      g.input(`past_key_values.${layer}.${part}`, 'float32', ['batch', kvHeads, 'past', headDim]),
    );
    const present = ['key', 'value'].map((part) => `present.${layer}.${part}`);
    const qkv = g.split(
      p.product(x, matrices.qkv, format),
      [queryHeads * headDim, kvHeads * headDim, kvHeads * headDim],
      -1,
    );
    const [attended] = g.nodes('GroupQueryAttention', [...qkv, ...cache, last, total, cos, sin], {
      domain: 'com.microsoft',
      attributes: {
        num_heads: queryHeads,
        kv_num_heads: kvHeads,
        do_rotary: 1,
        scale: { float: 1 / Math.sqrt(headDim) },
      },
      outputs: [`attended.${layer}`, ...present],
    });
    for (const name of present) g.output(name, 'float32', ['batch', kvHeads, 'seen', headDim]);
    [x = '', , , stream = ''] = skip(
      stream,
      p.product(attended as string, matrices.output, format),
      `layer${layer}.norm2`,
    );
    const [gate, up] = g.split(p.product(x, matrices.gateUp, format), [intermediateSize, intermediateSize], -1) as [
      string,
      string,
    ];
    const fed = p.product(
      g.node('Mul', [g.ms('QuickGelu', [gate], { alpha: { float: 1 } }), up]),
      matrices.down,
      format,
    );
    [x = '', , , stream = ''] = skip(stream, fed, layer + 1 < layers ? `layer${layer + 1}.norm1` : 'norm');
  }
  g.node('Identity', [p.product(x, headMatrix(config), headFormat('8bit'))], { outputs: ['logits'] });
  g.output('logits', 'float32', ['batch', 'steps', vocabSize]);
  return g.build();
}

/** The used part of the peer's API. */
interface Peer {
  AutoModelForCausalLM: {
    from_pretrained(
      folder: string,
      options: object,
    ): Promise<((inputs: object) => Promise<Record<string, unknown>>) & { dispose(): Promise<unknown> }>;
  };
  Tensor: new (type: string, data: Float32Array | BigInt64Array, dims: number[]) => unknown;
  env: { allowRemoteModels: boolean };
}

/** Installs the peer once, outside the repository. */
async function loadPeer(): Promise<Peer> {
  const folder = benchCache(`transformers-${VERSION}`);
  const entry = join(folder, 'node_modules', '@huggingface', 'transformers', 'dist', 'transformers.node.mjs');
  if (!existsSync(entry)) {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const done = spawnSync(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', `@huggingface/transformers@${VERSION}`],
      { cwd: folder, stdio: 'inherit' },
    );
    if (done.status !== 0) throw new Error('transformers.js could not be installed.');
  }
  return (await import(pathToFileURL(entry).href)) as Peer;
}
