import { packScale, unpackScale } from '../decoder/quantize';
import { CheckpointError } from '../checkpoint/errors';
import type { RowRange, TensorInfo, TensorSource, WeightBlocks } from '../formats/tensor-source';
import type { ModelConfig } from './model-config';

/** Rows [from, to) of another tensor, times a factor, plus a constant. */
interface Alias {
  name: string;
  from: number;
  to: number;
  factor: number;
  offset?: number;
}

/** Names in front of the decoder's in models that also see images, of which the other tensors are left unread. */
const TEXT_PREFIXES = ['language_model.model.', 'model.language_model.'];
const TEXT_HEADS: Readonly<Record<string, string>> = { 'language_model.lm_head.weight': 'lm_head.weight' };

/**
 * The weights under the names of the Llama layout, whatever the files call them.
 *
 * - Phi-3's fused `qkv_proj` and `gate_up_proj` appear as the projections they are stacked from.
 * - A base model saved without its `model.` prefix appears with it.
 * - Of a model that also sees images only the decoder appears.
 * - Weights that carry a constant of the model (`weightScales`) are multiplied by it. `normOffset` is added to norms.
 *
 * The files' own names work too.
 */
export class CanonicalSource implements TensorSource {
  private readonly inner: TensorSource;
  private readonly aliases: ReadonlyMap<string, Alias>;
  private readonly textPrefix: string | undefined;

  constructor(inner: TensorSource, config: ModelConfig) {
    this.inner = inner;
    this.textPrefix = TEXT_PREFIXES.find((prefix) => inner.has(`${prefix}embed_tokens.weight`));
    const aliases = this.textPrefix === undefined ? findAliases(inner, config) : textAliases(inner, this.textPrefix);
    this.aliases = withOffset(inner, config, withScales(inner, config, aliases));
  }

  names(): readonly string[] {
    if (this.textPrefix !== undefined) return [...this.aliases.keys()];
    const aliased = new Set([...this.aliases.values()].map((alias) => alias.name));
    return [...this.inner.names().filter((name) => !aliased.has(name)), ...this.aliases.keys()];
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

  async readFloat32(name: string, rows?: RowRange, into?: Float32Array): Promise<Float32Array> {
    const alias = this.aliases.get(name);
    if (!alias) return this.inner.readFloat32(name, rows, into);
    const values = await this.inner.readFloat32(alias.name, rangeIn(alias, name, rows), into);
    const { factor, offset = 0 } = alias;
    if (factor !== 1 || offset !== 0)
      for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor + offset;
    return values;
  }

  holdsBlocks(name: string, bits: 4 | 8): boolean {
    return this.inner.holdsBlocks?.(this.aliases.get(name)?.name ?? name, bits) ?? false;
  }

  async readBlocks(name: string, bits: 4 | 8, rows?: RowRange): Promise<WeightBlocks> {
    const alias = this.aliases.get(name);
    const { inner } = this;
    if (!inner.readBlocks) throw new CheckpointError('unsupported', name, '', 'is not stored in blocks');
    if (!alias) return inner.readBlocks(name, bits, rows);
    const { levels, scales } = await inner.readBlocks(alias.name, bits, rangeIn(alias, name, rows));
    return { levels, scales: alias.factor === 1 ? scales : scales.map((word) => scaled(word, alias.factor, bits)) };
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** The scale of a block times a factor; with 4 bits its zero stays. */
function scaled(word: number, factor: number, bits: 4 | 8): number {
  if (bits === 8) return word * factor;
  const { scale, zero } = unpackScale(word);
  return packScale(scale * factor, zero);
}

/** The rows of the aliased tensor. @throws CheckpointError `outOfRange` */
function rangeIn(alias: Alias, name: string, rows: RowRange | undefined): RowRange {
  const from = alias.from + (rows?.from ?? 0);
  const to = rows ? alias.from + rows.to : alias.to;
  if (from < alias.from || to > alias.to || to < from)
    throw new CheckpointError('outOfRange', name, '', `rows ${rows?.from}…${rows?.to} of ${alias.to - alias.from}`);
  return { from, to };
}

function findAliases(source: TensorSource, config: ModelConfig): Map<string, Alias> {
  const aliases = new Map<string, Alias>();
  const bare = !source.has('model.embed_tokens.weight') && source.has('embed_tokens.weight');
  if (bare) {
    for (const name of source.names()) {
      const rows = source.info(name).shape[0] ?? 0;
      if (!name.startsWith('lm_head.')) aliases.set(`model.${name}`, { name, from: 0, to: rows, factor: 1 });
    }
  }
  const stored = (name: string) => (bare ? name.replace(/^model\./, '') : name);
  /** The parts of a fused tensor, if it is there with as many rows as they have together. */
  const split = (fused: string, parts: readonly (readonly [name: string, rows: number])[]) => {
    const name = stored(fused);
    const rows = parts.reduce((sum, [, count]) => sum + count, 0);
    if (!source.has(name) || source.info(name).shape[0] !== rows) return;
    let from = 0;
    for (const [part, count] of parts) {
      aliases.set(part, { name, from, to: from + count, factor: 1 });
      from += count;
    }
  };
  const q = config.queryHeads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  const ffn = config.intermediateSize;
  for (let layer = 0; layer < config.layers; layer++) {
    const attention = `model.layers.${layer}.self_attn`;
    const mlp = `model.layers.${layer}.mlp`;
    const weight = (name: string) => `${name}_proj.weight`;
    split(weight(`${attention}.qkv`), [
      [weight(`${attention}.q`), q],
      [weight(`${attention}.k`), kv],
      [weight(`${attention}.v`), kv],
    ]);
    split(weight(`${mlp}.gate_up`), [
      [weight(`${mlp}.gate`), ffn],
      [weight(`${mlp}.up`), ffn],
    ]);
  }
  return aliases;
}

/** The decoder's tensors in a model that also sees images. */
function textAliases(source: TensorSource, prefix: string): Map<string, Alias> {
  const aliases = new Map<string, Alias>();
  for (const name of source.names()) {
    const own = name.startsWith(prefix) ? `model.${name.slice(prefix.length)}` : (TEXT_HEADS[name] ?? name);
    if (own === name && name !== 'lm_head.weight') continue;
    aliases.set(own, { name, from: 0, to: source.info(name).shape[0] ?? 0, factor: 1 });
  }
  return aliases;
}

/** Adds the constant of all norms. */
function withOffset(source: TensorSource, config: ModelConfig, aliases: Map<string, Alias>): Map<string, Alias> {
  const { normOffset: offset } = config;
  if (offset === undefined) return aliases;
  const shifted = new Map(aliases);
  for (const name of [...source.names(), ...aliases.keys()]) {
    if (!/^model\.(layers\.\d+\..*)?norm\.weight$/.test(name)) continue;
    const whole = aliases.get(name) ?? { name, from: 0, to: source.info(name).shape[0] ?? 0, factor: 1 };
    shifted.set(name, { ...whole, offset });
  }
  return shifted;
}

/** Adds the constants that weights carry. A tied output matrix gets a name of its own, because its factor differs. */
function withScales(source: TensorSource, config: ModelConfig, aliases: Map<string, Alias>): Map<string, Alias> {
  const scales = config.weightScales;
  if (!scales) return aliases;
  const embeddings = 'model.embed_tokens.weight';
  const scaled = new Map(aliases);
  const scale = (name: string, factor: number, from = name) => {
    if (!aliases.has(from) && !source.has(from)) return;
    const whole = aliases.get(from) ?? { name: from, from: 0, to: source.info(from).shape[0] ?? 0, factor: 1 };
    scaled.set(name, { ...whole, factor: whole.factor * factor });
  };
  scale('lm_head.weight', scales.logits, source.has('lm_head.weight') ? 'lm_head.weight' : embeddings);
  scale(embeddings, scales.embeddings);
  for (let layer = 0; layer < config.layers; layer++) {
    for (const part of ['self_attn.o_proj', 'mlp.down_proj']) {
      for (const kind of ['weight', 'bias']) scale(`model.layers.${layer}.${part}.${kind}`, scales.residual);
    }
  }
  return scaled;
}
