import type { CheckpointError } from '../checkpoint/errors';
import { Fields } from '../checkpoint/json';
import { parseRope } from '../rope/rope-config';
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

/**
 * Reads the parsed `config.json` of a Hugging Face checkpoint, in either generation of its rope fields.
 *
 * A field is optional only where the family's own default is unambiguous. The decoder refuses a config that it cannot
 * reproduce exactly: another activation, mixed attention layers, quantized weights.
 *
 * @param value parsed JSON
 * @param file path named in errors
 * @throws CheckpointError
 */
export function parseConfig(value: unknown, file: string): ModelConfig {
  const fields = new Fields(value, file);
  return configOf(fields, parseFamily(fields));
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
  const slidingWindow = parseSlidingWindow(fields, family, layers);
  const layerDescriptions = parseLayers(fields, family, { headDim, layers, slidingWindow });
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
    ...optional('slidingWindow', slidingWindow),
    maxPositions,
    rope: {
      ...parseRope(fields, { family, headDim, maxPositions }),
      ...optional('unrotatedLayers', unrotatedLayers.length > 0 ? unrotatedLayers : undefined),
    },
    ...optional('bosTokenId', parseTokenIds(fields, 'bos_token_id', vocabSize)[0]),
    eosTokenIds: parseTokenIds(fields, 'eos_token_id', vocabSize),
  };
}

/** One description per layer. Identical layers share one object. */
function parseLayers(
  fields: Fields,
  family: ModelFamily,
  { headDim, layers, slidingWindow }: { headDim: number; layers: number; slidingWindow: number | undefined },
): LayerDescription[] {
  const attentionBias = fields.boolean('attention_bias', false);
  if (attentionBias && (family.attentionBias ?? 'none') === 'none')
    throw fields.error('unsupported', 'attention_bias', `is not a field of ${family.modelType}`);
  const configured = attentionBias && family.attentionBias === 'configured';
  const scale = family.attentionScale?.(fields);
  const feedForwardBias = family.feedForwardBias === 'configured' && fields.boolean('mlp_bias', false);
  const describe = (rotary: boolean): LayerDescription =>
    describeLayer(headDim, {
      ...optional('norm', family.norm),
      attention: {
        ...optional('scale', scale),
        ...optional('window', slidingWindow),
        rotary,
        qkNorm: family.qkNorm ?? 'none',
        qkvBias: family.attentionBias === 'projections' || configured,
        outputBias: configured,
      },
      feedForward: { bias: feedForwardBias },
    });
  const [rotated, unrotated] = [describe(true), describe(false)];
  return Array.from({ length: layers }, (_, layer) =>
    family.isRotary?.(fields, layer) === false ? unrotated : rotated,
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
    !classes.some((name) => typeof name === 'string' && /(ForCausalLM|Model)$/.test(name))
  ) {
    throw fields.error('unsupported', 'architectures', 'is not a causal language model');
  }
  return family;
}

function refuseUnsupported(fields: Fields, family: ModelFamily): void {
  const activation = fields.optionalString('hidden_act');
  if (activation !== undefined && activation !== 'silu' && activation !== 'swish') {
    throw fields.error('unsupported', 'hidden_act', `"${activation.slice(0, 40)}"; only silu is built`);
  }
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

function parseSlidingWindow(fields: Fields, family: ModelFamily, layers: number): number | undefined {
  const window = fields.optionalInteger('sliding_window', 1, MAX.positions);
  const kinds = fields.optionalArray('layer_types', MAX.layers);
  if (kinds) {
    const sliding = kinds.filter((kind) => kind === 'sliding_attention').length;
    const full = kinds.filter((kind) => kind === 'full_attention').length;
    if (sliding + full !== kinds.length)
      throw fields.error('unsupported', 'layer_types', 'lists a kind of layer that is not built');
    if (kinds.length !== layers)
      throw fields.error('mismatch', 'layer_types', `has ${kinds.length} entries for ${layers} layers`);
    if (sliding > 0 && full > 0) throw mixedLayers(fields, 'layer_types');
    if (sliding === 0) return undefined;
    if (window === undefined) throw fields.error('missing', 'sliding_window', 'is required by layer_types and absent');
    return window;
  }
  if (family.slidingWindow === 'never') return undefined;
  if (family.slidingWindow === 'switched') {
    if (!fields.boolean('use_sliding_window', false)) return undefined;
    const firstSliding = fields.optionalInteger('max_window_layers', 0, MAX.layers) ?? 0;
    if (firstSliding >= layers) return undefined;
    if (firstSliding > 0) throw mixedLayers(fields, 'max_window_layers');
  }
  return window;
}

function mixedLayers(fields: Fields, name: string): CheckpointError {
  return fields.error(
    'unsupported',
    name,
    'mixes full and sliding attention between layers; switch the sliding window off in config.json to use it',
  );
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
