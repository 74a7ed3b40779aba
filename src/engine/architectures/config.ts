import { Fields } from '../checkpoint/json';
import { parseRopes } from '../rope/rope-config';
import type { ModelFamily } from './family';
import { describeLayer, type LayerDescription } from './layer';
import type { ModelConfig } from './model-config';
import { familyNames, familyOf } from './registry';

/** Bounds of plausible values. A config beyond them is damaged or hostile. */
const MAX = {
  vocab: 1 << 20,
  hidden: 1 << 16,
  intermediate: 1 << 18,
  layers: 1024,
  heads: 1024,
  headDim: 1024,
  positions: 1 << 28,
};

/** Names of activations in configs; the first is shown in messages. */
const ACTIVATIONS = { silu: ['silu', 'swish'], gelu: ['gelu_pytorch_tanh'] } satisfies Record<string, string[]>;

/** First layer with a sliding window in Qwen2 and Qwen3, unless the config says another. */
const MAX_WINDOW_LAYERS = 28;

/**
 * Reads the parsed `config.json` of a Hugging Face checkpoint, in either generation of its rope fields.
 *
 * A field is optional only where the family's own default is unambiguous. The decoder refuses a config that it cannot
 * reproduce exactly: another activation, capped logits, quantized weights.
 *
 * @param value parsed JSON
 * @param file path named in errors
 * @throws CheckpointError
 */
export function parseConfig(value: unknown, file: string): ModelConfig {
  const fields = new Fields(value, file);
  const family = parseFamily(fields);
  return configOf(family.textFields?.(fields) ?? fields, family);
}

/** The config of a model whose family is known. @throws CheckpointError */
export function configOf(fields: Fields, family: ModelFamily): ModelConfig {
  refuseUnsupported(fields, family);
  const { defaults = {} } = family;
  const hiddenSize = fields.integer('hidden_size', 1, MAX.hidden);
  const queryHeads = fields.integer('num_attention_heads', 1, MAX.heads);
  const kvHeads = parseKvHeads(fields, family, queryHeads);
  const headDim = parseHeadDim(fields, family, hiddenSize, queryHeads);
  const layers = fields.integer('num_hidden_layers', 1, MAX.layers);
  const maxPositions = fields.integer('max_position_embeddings', 1, MAX.positions);
  const windows = parseWindows(fields, family, layers);
  const slidingLayers = windows.flatMap((window, layer) => (window === undefined ? [] : [layer]));
  const slidingWindow = slidingLayers.length === layers ? windows[0] : undefined;
  const layerDescriptions = parseLayers(
    fields,
    family,
    headDim,
    slidingWindow === undefined ? windows : windows.map(() => undefined),
  );
  const unrotatedLayers = layerDescriptions.flatMap(({ attention }, layer) => (attention.rotary ? [] : [layer]));
  const weightScales = family.weightScales?.(fields);
  const vocabSize = fields.integer('vocab_size', 1, MAX.vocab);
  return {
    architecture: family.modelType,
    vocabSize,
    hiddenSize,
    intermediateSize: fields.integer('intermediate_size', 1, MAX.intermediate),
    layers,
    queryHeads,
    kvHeads,
    headDim,
    normEps: fields.optionalNumber('rms_norm_eps', 1e-12, 0.1) ?? defaults.normEps ?? 1e-6,
    // With weight scales, input and output need different factors, so the matrix is not shared.
    tiedEmbeddings: fields.boolean('tie_word_embeddings', defaults.tiedEmbeddings ?? false) && !weightScales,
    layerDescriptions,
    ...optional('weightScales', weightScales),
    ...optional('embeddingScale', family.embeddingScale?.(hiddenSize)),
    ...optional('normOffset', family.normOffset),
    ...optional('slidingWindow', slidingWindow),
    maxPositions,
    rope: {
      ...parseRopes(fields, { family, headDim, maxPositions }, slidingLayers, layers),
      ...optional('unrotatedLayers', unrotatedLayers.length > 0 ? unrotatedLayers : undefined),
    },
    ...optional('bosTokenId', parseTokenIds(fields, 'bos_token_id', vocabSize)[0]),
    eosTokenIds: parseTokenIds(fields, 'eos_token_id', vocabSize),
  };
}

/** One description per layer. */
function parseLayers(
  fields: Fields,
  family: ModelFamily,
  headDim: number,
  windows: readonly (number | undefined)[],
): LayerDescription[] {
  const attentionBias = fields.boolean('attention_bias', false);
  if (attentionBias && (family.attentionBias ?? 'none') === 'none')
    throw fields.error('unsupported', 'attention_bias', `is not a field of ${family.modelType}`);
  const configured = attentionBias && family.attentionBias === 'configured';
  const scale = family.attentionScale?.(fields);
  const feedForwardBias = family.feedForwardBias === 'configured' && fields.boolean('mlp_bias', false);
  return windows.map((window, layer) =>
    describeLayer(headDim, {
      ...optional('norm', family.norm),
      attention: {
        ...optional('scale', scale),
        ...optional('window', window),
        rotary: family.isRotary?.(fields, layer) ?? true,
        qkNorm: family.qkNorm ?? 'none',
        qkvBias: family.attentionBias === 'projections' || configured,
        outputBias: configured,
      },
      feedForward: { ...optional('activation', family.activation), bias: feedForwardBias },
    }),
  );
}

/** Token ids of a field that holds one id, several, or none. Ids outside the vocabulary are refused. */
export function parseTokenIds(fields: Fields, name: string, vocabSize: number): number[] {
  const raw = fields.raw(name);
  const list = Array.isArray(raw) ? (raw as unknown[]) : raw === undefined ? [] : [raw];
  if (list.length > 64) throw fields.error('outOfRange', name, `lists ${list.length} tokens`);
  return list
    .map((id) => {
      if (typeof id !== 'number' || !Number.isInteger(id))
        throw fields.error('malformed', name, 'must be a token id or a list of them');
      // Some published configs write -1 for "none".
      if (id < -1 || id >= vocabSize)
        throw fields.error('outOfRange', name, `token ${id} lies outside the vocabulary of ${vocabSize}`);
      return id;
    })
    .filter((id) => id >= 0);
}

function parseFamily(fields: Fields): ModelFamily {
  const type = fields.string('model_type');
  const family = familyOf(type);
  if (family === undefined) {
    throw fields.error(
      'unsupported',
      'model_type',
      `"${type.slice(0, 60)}" is not an architecture this engine builds (${familyNames()})`,
    );
  }
  const classes = fields.optionalArray('architectures', 16);
  if (
    classes &&
    classes.length > 0 &&
    !classes.some(
      (name) => typeof name === 'string' && (/(ForCausalLM|Model)$/.test(name) || family.classes?.includes(name)),
    )
  ) {
    throw fields.error('unsupported', 'architectures', 'is not a causal language model');
  }
  return family;
}

function refuseUnsupported(fields: Fields, family: ModelFamily): void {
  const field = fields.has('hidden_activation') ? 'hidden_activation' : 'hidden_act';
  const activation = fields.optionalString(field);
  const built = ACTIVATIONS[family.activation ?? 'silu'];
  if (activation !== undefined && !built.includes(activation)) {
    throw fields.error('unsupported', field, `"${activation.slice(0, 40)}"; only ${built[0]} is built`);
  }
  for (const capped of ['attn_logit_softcapping', 'final_logit_softcapping']) {
    if ((fields.optionalNumber(capped, 0, 1e9) ?? 0) !== 0)
      throw fields.error('unsupported', capped, 'caps logits by tanh, as Gemma 2 does, which is not built');
  }
  if (fields.boolean('use_bidirectional_attention', false))
    throw fields.error(
      'unsupported',
      'use_bidirectional_attention',
      'lets tokens see later ones, as an encoder does; the decoder writes text from left to right',
    );
  if (fields.has('quantization_config')) {
    throw fields.error(
      'unsupported',
      'quantization_config',
      'the weights are already quantized; use the f32, f16 or bf16 checkpoint (it is quantized here)',
    );
  }
  if (!family.partialRotary) {
    const share = fields.optionalNumber('partial_rotary_factor', 0, 1);
    if (share !== undefined && share !== 1)
      throw fields.error('unsupported', 'partial_rotary_factor', `${share} is not used by ${family.modelType}`);
  }
}

function parseKvHeads(fields: Fields, family: ModelFamily, queryHeads: number): number {
  const kvHeads = family.defaults?.kvHeadsAsQueryHeads
    ? (fields.optionalInteger('num_key_value_heads', 1, MAX.heads) ?? queryHeads)
    : fields.integer('num_key_value_heads', 1, MAX.heads);
  if (queryHeads % kvHeads !== 0) {
    throw fields.error('mismatch', 'num_key_value_heads', `${kvHeads} does not divide the ${queryHeads} query heads`);
  }
  return kvHeads;
}

function parseHeadDim(fields: Fields, family: ModelFamily, hiddenSize: number, queryHeads: number): number {
  const given = fields.optionalInteger('head_dim', 2, MAX.headDim) ?? family.defaults?.headDim;
  if (given === undefined && hiddenSize % queryHeads !== 0) {
    throw fields.error(
      'mismatch',
      'hidden_size',
      `${hiddenSize} is not a multiple of the ${queryHeads} heads, and head_dim is absent`,
    );
  }
  const headDim = given ?? hiddenSize / queryHeads;
  if (headDim % 2 !== 0 || headDim < 2 || headDim > MAX.headDim) {
    throw fields.error('outOfRange', 'head_dim', `${headDim} must be even and at most ${MAX.headDim}: rotary pairs`);
  }
  return headDim;
}

/** The sliding window of each layer (tokens); undefined for none. */
function parseWindows(fields: Fields, family: ModelFamily, layers: number): (number | undefined)[] {
  const window = fields.optionalInteger('sliding_window', 1, MAX.positions);
  const kinds = fields.optionalArray('layer_types', MAX.layers);
  if (!kinds)
    return Array.from({ length: layers }, (_, layer) => (isSliding(fields, family, layer) ? window : undefined));
  if (kinds.some((kind) => kind !== 'sliding_attention' && kind !== 'full_attention'))
    throw fields.error('unsupported', 'layer_types', 'lists a kind of layer that is not built');
  if (kinds.length !== layers)
    throw fields.error('mismatch', 'layer_types', `has ${kinds.length} entries for ${layers} layers`);
  if (window === undefined && kinds.includes('sliding_attention'))
    throw fields.error('missing', 'sliding_window', 'is required by layer_types and absent');
  return kinds.map((kind) => (kind === 'sliding_attention' ? window : undefined));
}

/** Whether a layer has the sliding window of a config without `layer_types`. */
function isSliding(fields: Fields, family: ModelFamily, layer: number): boolean {
  if (family.slidingWindow === 'never') return false;
  const switched = family.slidingWindow === 'switched';
  if (switched && !fields.boolean('use_sliding_window', false)) return false;
  if (family.isSliding) return family.isSliding(fields, layer);
  return !switched || layer >= (fields.optionalInteger('max_window_layers', 0, MAX.layers) ?? MAX_WINDOW_LAYERS);
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
