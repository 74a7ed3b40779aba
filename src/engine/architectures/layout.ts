import { CheckpointError } from '../checkpoint/errors';
import type { ModelConfig, TensorInfo, TensorSource } from '../checkpoint/types';

/** Rows [from, to) of another tensor. */
interface Alias {
  name: string;
  from: number;
  to: number;
}

/**
 * The weights under the names of the Llama layout, whatever the files call them: Phi-3's fused `qkv_proj` and
 * `gate_up_proj` appear as the separate projections they are stacked from, and a base model saved without its `model.`
 * prefix appears with it. The files' own names work too.
 */
export class CanonicalSource implements TensorSource {
  private readonly inner: TensorSource;
  private readonly aliases: ReadonlyMap<string, Alias>;

  constructor(inner: TensorSource, config: ModelConfig) {
    this.inner = inner;
    this.aliases = findAliases(inner, config);
  }

  names(): readonly string[] {
    const fused = new Set([...this.aliases.values()].map((alias) => alias.name));
    return [...this.inner.names().filter((name) => !fused.has(name)), ...this.aliases.keys()];
  }

  has(name: string): boolean {
    return this.aliases.has(name) || this.inner.has(name);
  }

  info(name: string): TensorInfo {
    const alias = this.aliases.get(name);
    if (!alias) return this.inner.info(name);
    const whole = this.inner.info(alias.name);
    const rows = whole.shape[0] ?? 0;
    const part = alias.to - alias.from;
    return {
      dtype: whole.dtype,
      shape: [part, ...whole.shape.slice(1)],
      byteLength: rows === 0 ? 0 : (whole.byteLength / rows) * part,
    };
  }

  readFloat32(name: string, rows?: { from: number; to: number }): Promise<Float32Array> {
    const alias = this.aliases.get(name);
    if (!alias) return this.inner.readFloat32(name, rows);
    const from = alias.from + (rows?.from ?? 0);
    const to = rows ? alias.from + rows.to : alias.to;
    if (from < alias.from || to > alias.to || to < from) {
      return Promise.reject(
        new CheckpointError('outOfRange', name, '', `rows ${rows?.from}…${rows?.to} of ${alias.to - alias.from}`),
      );
    }
    return this.inner.readFloat32(alias.name, { from, to });
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

function findAliases(source: TensorSource, config: ModelConfig): Map<string, Alias> {
  const aliases = new Map<string, Alias>();
  const bare = !source.has('model.embed_tokens.weight') && source.has('embed_tokens.weight');
  if (bare) {
    for (const name of source.names()) {
      const rows = source.info(name).shape[0] ?? 0;
      if (!name.startsWith('lm_head.')) aliases.set(`model.${name}`, { name, from: 0, to: rows });
    }
  }
  const stored = (name: string) => (bare ? name.replace(/^model\./, '') : name);
  const q = config.queryHeads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  for (let layer = 0; layer < config.layers; layer++) {
    const attention = `model.layers.${layer}.self_attn`;
    const qkv = stored(`${attention}.qkv_proj.weight`);
    if (source.has(qkv) && source.info(qkv).shape[0] === q + 2 * kv) {
      aliases.set(`${attention}.q_proj.weight`, { name: qkv, from: 0, to: q });
      aliases.set(`${attention}.k_proj.weight`, { name: qkv, from: q, to: q + kv });
      aliases.set(`${attention}.v_proj.weight`, { name: qkv, from: q + kv, to: q + 2 * kv });
    }
    const mlp = `model.layers.${layer}.mlp`;
    const gateUp = stored(`${mlp}.gate_up_proj.weight`);
    const f = config.intermediateSize;
    if (source.has(gateUp) && source.info(gateUp).shape[0] === 2 * f) {
      aliases.set(`${mlp}.gate_proj.weight`, { name: gateUp, from: 0, to: f });
      aliases.set(`${mlp}.up_proj.weight`, { name: gateUp, from: f, to: 2 * f });
    }
  }
  return aliases;
}

/** Every tensor the decoder will read, with the shape the config implies. */
export function* expectedTensors(config: ModelConfig): Generator<[name: string, shape: readonly number[]]> {
  const { hiddenSize: hidden, intermediateSize: ffn, headDim, vocabSize } = config;
  const q = config.queryHeads * headDim;
  const kv = config.kvHeads * headDim;
  yield ['model.embed_tokens.weight', [vocabSize, hidden]];
  yield ['model.norm.weight', [hidden]];
  if (!config.tiedEmbeddings) yield ['lm_head.weight', [vocabSize, hidden]];
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    yield [`${at}.input_layernorm.weight`, [hidden]];
    yield [`${at}.post_attention_layernorm.weight`, [hidden]];
    for (const [name, rows] of [
      ['q', q],
      ['k', kv],
      ['v', kv],
    ] as const) {
      yield [`${at}.self_attn.${name}_proj.weight`, [rows, hidden]];
      if (config.qkvBias) yield [`${at}.self_attn.${name}_proj.bias`, [rows]];
    }
    yield [`${at}.self_attn.o_proj.weight`, [hidden, q]];
    if (config.outputBias) yield [`${at}.self_attn.o_proj.bias`, [hidden]];
    if (config.qkNorm) {
      yield [`${at}.self_attn.q_norm.weight`, [headDim]];
      yield [`${at}.self_attn.k_norm.weight`, [headDim]];
    }
    for (const name of ['gate', 'up'] as const) {
      yield [`${at}.mlp.${name}_proj.weight`, [ffn, hidden]];
      if (config.mlpBias) yield [`${at}.mlp.${name}_proj.bias`, [ffn]];
    }
    yield [`${at}.mlp.down_proj.weight`, [hidden, ffn]];
    if (config.mlpBias) yield [`${at}.mlp.down_proj.bias`, [hidden]];
  }
}

/**
 * Every expected tensor is there with its shape and a readable dtype; biases the config denies are refused, not
 * dropped. @throws CheckpointError
 */
export function assertLayout(source: TensorSource, config: ModelConfig, directory: string): void {
  for (const [name, shape] of expectedTensors(config)) {
    if (!source.has(name))
      throw new CheckpointError(
        'missing',
        directory,
        name,
        'the weight files lack this tensor, which config.json calls for',
      );
    const info = source.info(name);
    if (info.shape.length !== shape.length || info.shape.some((size, i) => size !== shape[i])) {
      throw new CheckpointError(
        'mismatch',
        directory,
        name,
        `has shape [${info.shape.join(', ')}], config.json implies [${shape.join(', ')}]`,
      );
    }
    if (info.dtype !== 'F32' && info.dtype !== 'F16' && info.dtype !== 'BF16') {
      throw new CheckpointError(
        'unsupported',
        directory,
        name,
        `has dtype ${info.dtype}; weights must be F32, F16 or BF16`,
      );
    }
  }
  const deeper = `model.layers.${config.layers}.`;
  for (const name of source.names()) {
    if (name.startsWith(deeper))
      throw new CheckpointError('mismatch', directory, name, `is a layer beyond the ${config.layers} of config.json`);
    const isBias = /\.(q|k|v|o|gate|up|down|qkv|gate_up)_proj\.bias$/.test(name);
    if (isBias && !biasExpected(name, config)) {
      throw new CheckpointError(
        'mismatch',
        directory,
        name,
        'is a bias that config.json does not announce; leaving it out would change the model',
      );
    }
  }
}

function biasExpected(name: string, config: ModelConfig): boolean {
  if (/\.(q|k|v)_proj\.bias$/.test(name)) return config.qkvBias;
  if (name.endsWith('.o_proj.bias')) return config.outputBias;
  return config.mlpBias;
}
