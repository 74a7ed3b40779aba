/**
 * Learned projections that score a segment's mean key against a question's mean query. Queries and keys come from all
 * layers and heads, before rotation. The sparse attention of DeepSeek-V3.2 has an indexer with such matrices of its
 * own. Training: models/recipe/heads/selection.py.
 */
import { openSafetensors, type ModelConfig } from '../engine';
import { AppError } from '../base';

/** A linear projection: weight [width, inputs], bias [width]. */
interface Projection {
  weight: Float32Array;
  bias: Float32Array;
}

export class SelectionHead {
  private constructor(
    readonly width: number,
    private readonly queries: Projection,
    private readonly keys: Projection,
  ) {}

  /**
   * Reads `select.q_proj` and `select.k_proj`, weight and bias each.
   *
   * @throws CheckpointError, AppError when a tensor has another size
   */
  static async open(
    path: string,
    width: number,
    { layers, queryHeads, kvHeads, headDim }: Pick<ModelConfig, 'layers' | 'queryHeads' | 'kvHeads' | 'headDim'>,
  ): Promise<SelectionHead> {
    const file = await openSafetensors(path);
    try {
      const read = async (name: string, elements: number): Promise<Float32Array> => {
        const values = await file.readFloat32(name);
        if (values.length !== elements)
          throw new AppError('modelFailed', `${path}: ${name} has ${values.length} elements, not ${elements}.`);
        return values;
      };
      const projection = async (name: string, heads: number): Promise<Projection> => ({
        weight: await read(`${name}.weight`, width * layers * heads * headDim),
        bias: await read(`${name}.bias`, width),
      });
      return new SelectionHead(
        width,
        await projection('select.q_proj', queryHeads),
        await projection('select.k_proj', kvHeads),
      );
    } finally {
      await file.close();
    }
  }

  /**
   * Projects the mean query of a question.
   *
   * @param means mean queries of its runs, each [layers, queryHeads, headDim]
   * @param rows number of rows behind each mean
   * @returns [width], of length 1
   */
  ofQueries(means: readonly Float32Array[], rows: readonly number[]): Float32Array {
    return project(this.queries, meanOf(means, rows));
  }

  /**
   * Projects the mean key of a text.
   *
   * @param means mean keys of its runs, each [layers, kvHeads, headDim]
   * @param rows number of rows behind each mean
   * @returns [width], of length 1
   */
  ofKeys(means: readonly Float32Array[], rows: readonly number[]): Float32Array {
    return project(this.keys, meanOf(means, rows));
  }
}

function meanOf(means: readonly Float32Array[], rows: readonly number[]): Float32Array {
  const all = rows.reduce((sum, count) => sum + count, 0);
  const mean = new Float32Array(means[0]?.length ?? 0);
  means.forEach((own, i) => {
    const share = (rows[i] as number) / all;
    for (let d = 0; d < mean.length; d++) mean[d] = (mean[d] as number) + (own[d] as number) * share;
  });
  return mean;
}

function project({ weight, bias }: Projection, input: Float32Array): Float32Array {
  const out = bias.map((value, row) => {
    let sum = value;
    for (let i = 0, at = row * input.length; i < input.length; i++, at++)
      sum += (weight[at] as number) * (input[i] as number);
    return sum;
  });
  const length = Math.hypot(...out) || 1;
  return out.map((value) => value / length);
}
