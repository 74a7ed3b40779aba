import type { RopeConfig, RopeScaling } from '../checkpoint/types';

/** Frequencies of one kind of layers. */
export interface LayerFrequencies {
  /** Angle (radians) by which one position turns each pair; [rotaryDim / 2], fastest first. */
  inverse: Float64Array;
  /** Factor of cos and sin (YaRN's temperature, 2309.00071, eq. 22); 1 for most scalings. */
  attentionScale: number;
}

/** The rotary frequencies in use: those of most layers, and those of others. */
export interface RopeFrequencies extends LayerFrequencies {
  /** Layers whose keys are not rotated. */
  unrotatedLayers?: readonly number[];
  /** Layers with frequencies of their own. */
  others?: readonly { layers: readonly number[]; frequencies: LayerFrequencies }[];
}

/** The frequencies of each kind of layers; `kindOfLayer` is the place in this list. */
export function frequencyKinds(rope: RopeFrequencies): readonly LayerFrequencies[] {
  return [rope, ...(rope.others ?? []).map(({ frequencies }) => frequencies)];
}

/** The kind of a layer: 0 for most, i + 1 for those of `others[i]`. */
export function kindOfLayer({ others }: { others?: readonly { layers: readonly number[] }[] }, layer: number): number {
  return (others?.findIndex(({ layers }) => layers.includes(layer)) ?? -1) + 1;
}

/**
 * The frequencies of a rope configuration when the context reaches `positionsInUse` tokens. Only dynamic NTK and
 * longrope depend on it.
 *
 * Computed in f64: the angle of position 1,000,000 keeps all the digits that an f32 frequency would lose.
 *
 * Sources: RoFormer (2104.09864) for the series; Position Interpolation (2306.15595) for linear; YaRN (2309.00071) §3
 * for NTK-aware, dynamic and NTK-by-parts; LongRoPE (2402.13753) §3 for the factors. Agreement with PyTorch
 * transformers is tested.
 */
export function ropeFrequencies(rope: RopeConfig, positionsInUse: number): RopeFrequencies {
  const { unrotatedLayers } = rope;
  const others = rope.others?.map(({ layers, rope: own }) => ({
    layers,
    frequencies: scaledFrequencies(own, positionsInUse),
  }));
  return {
    ...scaledFrequencies(rope, positionsInUse),
    ...(unrotatedLayers ? { unrotatedLayers } : {}),
    ...(others ? { others } : {}),
  };
}

function scaledFrequencies(rope: RopeConfig, positionsInUse: number): LayerFrequencies {
  const { theta, rotaryDim, originalMaxPositions, scaling } = rope;
  const base = geometricSeries(theta, rotaryDim);
  switch (scaling.type) {
    case 'default':
      return { inverse: base, attentionScale: 1 };
    case 'linear':
      return { inverse: base.map((f) => f / scaling.factor), attentionScale: 1 };
    case 'ntk':
      return { inverse: geometricSeries(ntkBase(theta, rotaryDim, scaling.factor), rotaryDim), attentionScale: 1 };
    case 'dynamic': {
      const growth = Math.max(positionsInUse, originalMaxPositions) / originalMaxPositions;
      return {
        inverse: geometricSeries(ntkBase(theta, rotaryDim, scaling.factor * growth - (scaling.factor - 1)), rotaryDim),
        attentionScale: 1,
      };
    }
    case 'yarn':
      return { inverse: yarn(base, rope, scaling), attentionScale: yarnAttentionScale(scaling) };
    case 'llama3':
      return { inverse: llama3(base, originalMaxPositions, scaling), attentionScale: 1 };
    case 'longrope': {
      const long = positionsInUse > originalMaxPositions;
      const factors = long ? scaling.longFactors : scaling.shortFactors;
      const scale = scaling.attentionFactor ?? longropeAttentionScale(scaling.factor, originalMaxPositions);
      return {
        inverse: base.map((f, i) => f / (factors[i] as number)),
        attentionScale: long ? scale : (scaling.shortAttentionFactor ?? scale),
      };
    }
  }
}

/**
 * Whether the frequencies change once more than `originalMaxPositions` are in use: rows rotated before must then be
 * rotated again.
 */
export function dependsOnLength(rope: RopeConfig): boolean {
  return rope.scaling.type === 'dynamic' || rope.scaling.type === 'longrope';
}

/** θ_i = theta^(-2i / rotaryDim), i = 0 … rotaryDim/2 − 1. */
function geometricSeries(theta: number, rotaryDim: number): Float64Array {
  return Float64Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** ((-2 * i) / rotaryDim));
}

/**
 * NTK-aware scaling changes the base so that the slowest pair is interpolated by `factor` and the fastest not at all.
 */
function ntkBase(theta: number, rotaryDim: number, factor: number): number {
  return rotaryDim > 2 ? theta * factor ** (rotaryDim / (rotaryDim - 2)) : theta;
}

/**
 * NTK-by-parts (YaRN, eq. 17–19): pairs that turn often within the trained window stay. Pairs that never complete a
 * turn are interpolated.
 */
function yarn(base: Float64Array, rope: RopeConfig, scaling: RopeScaling & { type: 'yarn' }): Float64Array {
  const { theta, rotaryDim, originalMaxPositions } = rope;
  const pairOfTurns = (turns: number) =>
    (rotaryDim * Math.log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const whole = scaling.truncate ?? true;
  const fast = pairOfTurns(scaling.betaFast);
  const slow = pairOfTurns(scaling.betaSlow);
  const low = Math.max(whole ? Math.floor(fast) : fast, 0);
  let high = Math.min(whole ? Math.ceil(slow) : slow, rotaryDim - 1);
  if (low === high) high += 0.001;
  return base.map((f, i) => {
    const interpolated = Math.min(1, Math.max(0, (i - low) / (high - low)));
    return (f / scaling.factor) * interpolated + f * (1 - interpolated);
  });
}

function yarnAttentionScale(scaling: RopeScaling & { type: 'yarn' }): number {
  if (scaling.attentionFactor !== undefined) return scaling.attentionFactor;
  if (scaling.mscale && scaling.mscaleAllDim)
    return temperature(scaling.factor, scaling.mscale) / temperature(scaling.factor, scaling.mscaleAllDim);
  return temperature(scaling.factor, 1);
}

/** sqrt(1/t) = 0.1 ln s + 1 (YaRN, eq. 22). */
export function temperature(factor: number, mscale = 1): number {
  return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
}

function longropeAttentionScale(factor: number, originalMaxPositions: number): number {
  return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions));
}

/**
 * Llama 3.1: wavelengths beyond window/low are divided by the factor, those below window/high stay, the band between is
 * blended.
 */
function llama3(base: Float64Array, window: number, scaling: RopeScaling & { type: 'llama3' }): Float64Array {
  const { factor, lowFreqFactor, highFreqFactor } = scaling;
  return base.map((f) => {
    const wavelength = (2 * Math.PI) / f;
    if (wavelength < window / highFreqFactor) return f;
    if (wavelength > window / lowFreqFactor) return f / factor;
    const smooth = (window / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return ((1 - smooth) * f) / factor + smooth * f;
  });
}

/** Divisor of each unscaled frequency under this configuration; [rotaryDim / 2]. All scalings can be written so. */
export function effectiveFactors(rope: RopeConfig, positionsInUse: number): Float64Array {
  const base = geometricSeries(rope.theta, rope.rotaryDim);
  const { inverse } = ropeFrequencies(rope, positionsInUse);
  return base.map((f, i) => f / (inverse[i] as number));
}

/**
 * The configuration with other factors for contexts beyond the trained window. Prompts within it keep the trained
 * frequencies, because DCIS and LongRoPE factors also move the fast pairs, which hurts short contexts.
 *
 * @param factors divisor of each unscaled frequency, [rotaryDim / 2], fastest first
 * @param attentionFactor factor of cos and sin beyond the window; default: YaRN's temperature of `extension`
 */
export function withFactors(
  rope: RopeConfig,
  factors: Float64Array,
  extension: number,
  attentionFactor = temperature(extension),
): RopeConfig {
  if (factors.length !== rope.rotaryDim / 2)
    throw new RangeError(`${factors.length} rope factors for ${rope.rotaryDim / 2} rotary pairs`);
  const within = ropeFrequencies(rope, rope.originalMaxPositions);
  return {
    ...rope,
    scaling: {
      type: 'longrope',
      factor: extension,
      shortFactors: effectiveFactors(rope, rope.originalMaxPositions),
      longFactors: factors,
      attentionFactor,
      shortAttentionFactor: within.attentionScale,
    },
  };
}

/** cos and sin of each position for each pair, times the attention scale: [positions, rotaryDim / 2], row-major. */
export interface RotationTable {
  cos: Float32Array;
  sin: Float32Array;
}

/** Rotations of the given positions, for each kind of layers. */
export function rotationTables(rope: RopeFrequencies, positions: ArrayLike<number>): RotationTable[] {
  return frequencyKinds(rope).map((frequencies) => rotationTable(frequencies, positions));
}

/** Rotations of the given positions (which need not be consecutive, nor whole). */
export function rotationTable(frequencies: LayerFrequencies, positions: ArrayLike<number>): RotationTable {
  const { inverse, attentionScale } = frequencies;
  const pairs = inverse.length;
  const cos = new Float32Array(positions.length * pairs);
  const sin = new Float32Array(positions.length * pairs);
  for (let row = 0; row < positions.length; row++) {
    const position = positions[row] as number;
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * (inverse[pair] as number);
      cos[row * pairs + pair] = Math.cos(angle) * attentionScale;
      sin[row * pairs + pair] = Math.sin(angle) * attentionScale;
    }
  }
  return { cos, sin };
}

/**
 * Rotates rows of heads in place, in halves: pair i of a head is (x[i], x[i + rotaryDim/2]). Dimensions from rotaryDim
 * on stay as they are.
 *
 * @param rows [rows, heads, headDim]
 * @param table rotations of these rows, [rows, rotaryDim / 2]
 */
export function rotateRows(rows: Float32Array, heads: number, headDim: number, table: RotationTable): void {
  const count = rows.length / (heads * headDim);
  const pairs = table.cos.length / count;
  for (let row = 0; row < count; row++) {
    for (let head = 0; head < heads; head++) {
      const at = (row * heads + head) * headDim;
      for (let pair = 0; pair < pairs; pair++) {
        const cos = table.cos[row * pairs + pair] as number;
        const sin = table.sin[row * pairs + pair] as number;
        const a = rows[at + pair] as number;
        const b = rows[at + pairs + pair] as number;
        rows[at + pair] = a * cos - b * sin;
        rows[at + pairs + pair] = b * cos + a * sin;
      }
    }
  }
}
