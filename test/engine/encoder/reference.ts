/** A reference BERT encoder in plain arrays, written from the paper's formulas, for comparison with the graph. */

export interface TinyShape {
  layers: number;
  hidden: number;
  heads: number;
  inner: number;
  vocab: number;
  positions: number;
}

export type Tensors = ReadonlyMap<string, { shape: readonly number[]; values: Float32Array }>;

type Rows = number[][];

/** Mean of the last hidden states over the tokens, normalized to length 1. */
export function referenceVector(ids: readonly number[], tensors: Tensors, shape: TinyShape): number[] {
  const matrix = (name: string): Rows => {
    const { values, shape: size } = tensors.get(name) as { shape: readonly number[]; values: Float32Array };
    const columns = size[1] ?? values.length;
    return Array.from({ length: values.length / columns }, (_, r) => [
      ...values.subarray(r * columns, (r + 1) * columns),
    ]);
  };
  const row = (name: string): number[] => matrix(name)[0] as number[];
  const linear = (name: string, rows: Rows): Rows => {
    const weight = matrix(`${name}.weight`);
    const bias = row(`${name}.bias`);
    return rows.map((x) => weight.map((w, o) => dot(w, x) + (bias[o] as number)));
  };
  const norm = (name: string, rows: Rows): Rows => {
    const [weight, bias] = [row(`${name}.weight`), row(`${name}.bias`)];
    return rows.map((x) => {
      const mean = x.reduce((a, b) => a + b, 0) / x.length;
      const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
      return x.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-12)) * (weight[i] as number) + (bias[i] as number));
    });
  };
  const add = (a: Rows, b: Rows): Rows => a.map((x, r) => x.map((v, i) => v + ((b[r] as number[])[i] as number)));

  const words = matrix('embeddings.word_embeddings.weight');
  const places = matrix('embeddings.position_embeddings.weight');
  const type = matrix('embeddings.token_type_embeddings.weight')[0] as number[];
  let x = norm(
    'embeddings.LayerNorm',
    ids.map((id, p) =>
      (words[id] as number[]).map((v, i) => v + ((places[p] as number[])[i] as number) + (type[i] as number)),
    ),
  );
  const width = shape.hidden / shape.heads;
  for (let layer = 0; layer < shape.layers; layer++) {
    const name = `encoder.layer.${layer}`;
    const [q, k, v] = ['query', 'key', 'value'].map((part) => linear(`${name}.attention.self.${part}`, x)) as [
      Rows,
      Rows,
      Rows,
    ];
    const attended: Rows = x.map(() => new Array<number>(shape.hidden).fill(0));
    for (let head = 0; head < shape.heads; head++) {
      const part = (rows: Rows): Rows => rows.map((r) => r.slice(head * width, (head + 1) * width));
      const [hq, hk, hv] = [part(q), part(k), part(v)];
      hq.forEach((query, r) => {
        const scores = hk.map((key) => Math.exp(dot(query, key) / Math.sqrt(width)));
        const total = scores.reduce((a, b) => a + b, 0);
        scores.forEach((score, t) => {
          (hv[t] as number[]).forEach((value, i) => {
            (attended[r] as number[])[head * width + i]! += (score / total) * value;
          });
        });
      });
    }
    const middle = norm(
      `${name}.attention.output.LayerNorm`,
      add(x, linear(`${name}.attention.output.dense`, attended)),
    );
    const inner = linear(`${name}.intermediate.dense`, middle).map((r) => r.map(gelu));
    x = norm(`${name}.output.LayerNorm`, add(middle, linear(`${name}.output.dense`, inner)));
  }
  const mean = (x[0] as number[]).map((_, i) => x.reduce((sum, r) => sum + (r[i] as number), 0) / x.length);
  const length = Math.sqrt(dot(mean, mean));
  return mean.map((value) => value / length);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** x Φ(x), with the error function by Abramowitz and Stegun 7.1.26 (error below 1.5e-7). */
function gelu(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = (1 - poly * Math.exp(-z * z)) * Math.sign(x);
  return (x * (1 + erf)) / 2;
}
