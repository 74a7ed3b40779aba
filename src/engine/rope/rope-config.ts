import type { Fields } from '../checkpoint/json';
import { dependsOnLength } from './frequencies';
import type { ModelFamily } from '../architectures/family';
import type { RopeConfig, RopeScaling } from '../architectures/model-config';

const MAX_FACTOR = 1e6;

interface RopeContext {
  family: ModelFamily;
  headDim: number;
  maxPositions: number;
}

/**
 * The rotary part of `config.json`. Where the family rotates layers with a sliding window by frequencies of their own,
 * these are among its `others`, or all there is if all layers slide.
 *
 * @param sliding layers with a window
 * @throws CheckpointError
 */
export function parseRopes(
  config: Fields,
  context: RopeContext,
  sliding: readonly number[],
  layers: number,
): RopeConfig {
  const rope = parseRope(config, context);
  const { slidingRope } = context.family;
  if (!slidingRope || sliding.length === 0) return rope;
  const own = config.optionalObject('rope_parameters')?.optionalObject('sliding_attention');
  const theta =
    own?.optionalNumber('rope_theta', 1, 1e12) ??
    config.optionalNumber(slidingRope.field, 1, 1e12) ??
    slidingRope.theta;
  const scaling: RopeScaling = own ? parseScaling(own, context, rope.rotaryDim / 2, undefined) : { type: 'default' };
  const local: RopeConfig = { ...rope, theta, scaling };
  if (own && dependsOnLength(local))
    throw own.error('unsupported', 'rope_type', 'of layers with a window depends on the length, which is not built');
  return sliding.length === layers ? local : { ...rope, others: [{ layers: sliding, rope: local }] };
}

/** `rope_theta` and `rope_scaling`, or the newer `rope_parameters` with both, for each kind of layer or for all. */
function parseRope(config: Fields, context: RopeContext): RopeConfig {
  const byKind = config.optionalObject('rope_parameters');
  const parameters = (context.family.slidingRope && byKind?.optionalObject('full_attention')) ?? byKind;
  const scalingFields = parameters ?? config.optionalObject('rope_scaling');
  const theta =
    parameters?.optionalNumber('rope_theta', 1, 1e12) ??
    config.optionalNumber('rope_theta', 1, 1e12) ??
    context.family.defaults?.ropeTheta ??
    10_000;
  const share =
    parameters?.optionalNumber('partial_rotary_factor', 0, 1) ??
    config.optionalNumber('partial_rotary_factor', 0, 1) ??
    1;
  const rotaryDim = context.family.partialRotary ? Math.trunc(context.headDim * share) : context.headDim;
  if (rotaryDim < 2 || rotaryDim % 2 !== 0) {
    throw config.error(
      'outOfRange',
      'partial_rotary_factor',
      `${share} leaves ${rotaryDim} of ${context.headDim} dimensions to rotate; must be even and at least 2`,
    );
  }

  // The window that the weights were trained on, before any scaling. Phi-3 gives it at the top level, which then
  // precedes the scaling's own.
  const stated =
    config.optionalInteger('original_max_position_embeddings', 1, 1 << 28) ??
    scalingFields?.optionalInteger('original_max_position_embeddings', 1, 1 << 28);
  const scaling: RopeScaling = scalingFields
    ? parseScaling(scalingFields, context, rotaryDim / 2, stated)
    : { type: 'default' };
  // Dynamic NTK measures growth against the maximum itself, whatever else is stated.
  const originalMaxPositions = scaling.type === 'dynamic' ? context.maxPositions : (stated ?? context.maxPositions);
  return { theta, rotaryDim, originalMaxPositions, scaling };
}

function parseScaling(
  fields: Fields,
  context: RopeContext,
  pairs: number,
  statedWindow: number | undefined,
): RopeScaling {
  const extension = context.maxPositions / (statedWindow ?? context.maxPositions);
  const type = scalingType(fields, context.family);
  const requiredFactor = () => fields.number('factor', 1e-3, MAX_FACTOR);
  const factorOrExtension = () => fields.optionalNumber('factor', 1e-3, MAX_FACTOR) ?? extension;
  switch (type) {
    case 'default':
      return { type: 'default' };
    case 'linear':
    case 'dynamic':
    case 'ntk':
      return { type, factor: requiredFactor() };
    case 'yarn':
      return {
        type,
        factor: factorOrExtension(),
        betaFast: fields.optionalNumber('beta_fast', 1e-3, MAX_FACTOR) ?? 32,
        betaSlow: fields.optionalNumber('beta_slow', 1e-3, MAX_FACTOR) ?? 1,
        ...number(fields, 'attention_factor', 'attentionFactor'),
        ...number(fields, 'mscale', 'mscale'),
        ...number(fields, 'mscale_all_dim', 'mscaleAllDim'),
        ...(fields.boolean('truncate', true) ? {} : { truncate: false }),
      };
    case 'llama3':
      return parseLlama3(fields, requiredFactor());
    case 'longrope':
      if (statedWindow === undefined) {
        throw fields.error(
          'missing',
          'original_max_position_embeddings',
          'is required: it decides between the short and the long factors',
        );
      }
      return {
        type,
        factor: factorOrExtension(),
        shortFactors: factorList(fields, 'short_factor', pairs),
        longFactors: factorList(fields, 'long_factor', pairs),
        ...number(fields, 'attention_factor', 'attentionFactor'),
      };
    default:
      throw fields.error(
        'unsupported',
        'rope_type',
        `"${type.slice(0, 40)}" is not a rotary scaling this engine knows`,
      );
  }
}

function scalingType(fields: Fields, family: ModelFamily): string {
  if (fields.has('full_attention') || fields.has('sliding_attention')) {
    throw fields.error(
      'unsupported',
      'rope_type',
      'gives each kind of layer its own rotary frequencies, which is not built',
    );
  }
  const type = fields.optionalString('rope_type') ?? fields.optionalString('type') ?? 'default';
  return type === 'su' || family.longropeNames?.includes(type) ? 'longrope' : type;
}

function parseLlama3(fields: Fields, factor: number): RopeScaling {
  const lowFreqFactor = fields.number('low_freq_factor', 1e-6, MAX_FACTOR);
  const highFreqFactor = fields.number('high_freq_factor', 1e-6, MAX_FACTOR);
  if (highFreqFactor <= lowFreqFactor) {
    throw fields.error(
      'mismatch',
      'high_freq_factor',
      `${highFreqFactor} must be greater than low_freq_factor ${lowFreqFactor}`,
    );
  }
  return { type: 'llama3', factor, lowFreqFactor, highFreqFactor };
}

/** A list of one positive factor for each rotary pair, fastest first. */
export function factorList(fields: Fields, name: string, pairs: number): Float64Array {
  const list = fields.optionalArray(name, 1024);
  if (!list) throw fields.error('missing', name, 'is required and absent');
  if (list.length !== pairs)
    throw fields.error('mismatch', name, `has ${list.length} factors for ${pairs} rotary pairs`);
  return Float64Array.from(list, (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw fields.error('malformed', name, 'must hold numbers only');
    if (value < 1e-6 || value > MAX_FACTOR)
      throw fields.error('outOfRange', name, `factor ${value} must be positive and at most ${MAX_FACTOR}`);
    return value;
  });
}

function number<K extends string>(fields: Fields, field: string, key: K): { [P in K]?: number } {
  const value = fields.optionalNumber(field, 0, MAX_FACTOR);
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: number });
}
