/**
 * Gemma 3 in plain arrays and f64, from config.json and the tensors as the files have them. It shares no code with the
 * engine. The caller says at which distance a row sees another, for layers with and without the window.
 */

export interface GemmaFiles {
  config: {
    hidden_size: number;
    num_hidden_layers: number;
    num_attention_heads: number;
    num_key_value_heads: number;
    head_dim: number;
    query_pre_attn_scalar: number;
    rms_norm_eps: number;
    rope_theta: number;
    rope_local_base_freq: number;
    rope_scaling?: { factor: number };
    layer_types: readonly string[];
  };
  tensors: ReadonlyMap<string, Float32Array>;
}

/** Distance at which row i sees row j; undefined if it does not. `slides`: in layers with the window. */
export type GemmaDistance = (i: number, j: number, slides: boolean) => number | undefined;

/** Un-rotated keys and values of one row, by layer. */
export interface GemmaRow {
  keys: number[][];
  values: number[][];
}

/** Logits of each token, behind earlier rows that are numbered first. */
export function gemmaForward(
  { config, tensors }: GemmaFiles,
  tokens: readonly number[],
  distance: GemmaDistance,
  past: readonly GemmaRow[] = [],
): { logits: number[][]; rows: GemmaRow[] } {
  const tensor = (name: string): Float32Array => {
    const found = tensors.get(`model.${name}.weight`);
    if (!found) throw new Error(`no tensor ${name}`);
    return found;
  };
  const { hidden_size: hidden, head_dim: width, num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const norm = (x: readonly number[], name: string): number[] => {
    const weight = tensor(name);
    const size = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + config.rms_norm_eps);
    return x.map((value, i) => (value / size) * (1 + (weight[i] as number)));
  };
  const normHeads = (x: readonly number[], name: string): number[] =>
    Array.from({ length: x.length / width }, (_, h) => norm(x.slice(h * width, (h + 1) * width), name)).flat();
  const embeddings = tensor('embed_tokens');
  const rows: GemmaRow[] = tokens.map(() => ({ keys: [], values: [] }));
  const all = [...past, ...rows];
  let stream = tokens.map((token) =>
    Array.from(embeddings.subarray(token * hidden, (token + 1) * hidden), (x) => x * Math.sqrt(hidden)),
  );
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `layers.${layer}`;
    const slides = config.layer_types[layer] === 'sliding_attention';
    const theta = slides ? config.rope_local_base_freq : config.rope_theta;
    const slower = slides ? 1 : (config.rope_scaling?.factor ?? 1);
    const queries = stream.map((x, t) => {
      const input = norm(x, `${at}.input_layernorm`);
      const project = (name: string) => product(tensor(`${at}.self_attn.${name}_proj`), input);
      const row = rows[t] as GemmaRow;
      row.keys.push(normHeads(project('k'), `${at}.self_attn.k_norm`));
      row.values.push(project('v'));
      return normHeads(project('q'), `${at}.self_attn.q_norm`);
    });
    stream = stream.map((x, t) => {
      const i = past.length + t;
      const attended: number[] = [];
      for (let head = 0; head < heads; head++) {
        const query = (queries[t] as number[]).slice(head * width, (head + 1) * width);
        const from = Math.floor((head * kvHeads) / heads) * width;
        const seen = all.slice(0, i + 1).flatMap((row, j) => {
          const d = distance(i, j, slides);
          if (d === undefined) return [];
          const key = (row.keys[layer] as number[]).slice(from, from + width);
          const score = dot(turned(query, d / slower, theta), key) / Math.sqrt(config.query_pre_attn_scalar);
          return [{ score, value: (row.values[layer] as number[]).slice(from, from + width) }];
        });
        const most = Math.max(...seen.map(({ score }) => score));
        const total = seen.reduce((sum, { score }) => sum + Math.exp(score - most), 0);
        for (let d = 0; d < width; d++)
          attended.push(
            seen.reduce((sum, { score, value }) => sum + (Math.exp(score - most) / total) * (value[d] as number), 0),
          );
      }
      const change = norm(product(tensor(`${at}.self_attn.o_proj`), attended), `${at}.post_attention_layernorm`);
      const middle = sum(x, change);
      const input = norm(middle, `${at}.pre_feedforward_layernorm`);
      const up = product(tensor(`${at}.mlp.up_proj`), input);
      const inner = product(tensor(`${at}.mlp.gate_proj`), input).map((gate, d) => gelu(gate) * (up[d] as number));
      return sum(middle, norm(product(tensor(`${at}.mlp.down_proj`), inner), `${at}.post_feedforward_layernorm`));
    });
  }
  return { rows, logits: stream.map((x) => product(embeddings, norm(x, 'norm'))) };
}

/** GELU as PyTorch approximates it by tanh. */
const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** The query as if the key were at position 0, and the query at `distance`. */
function turned(query: readonly number[], distance: number, theta: number): number[] {
  const pairs = query.length / 2;
  return query.map((x, d) => {
    const pair = d % pairs;
    const angle = distance * theta ** (-pair / pairs);
    const other = query[(d + pairs) % query.length] as number;
    return x * Math.cos(angle) + (d < pairs ? -other : other) * Math.sin(angle);
  });
}

function product(weight: Float32Array, x: readonly number[]): number[] {
  return Array.from({ length: weight.length / x.length }, (_, row) =>
    x.reduce((total, value, i) => total + (weight[row * x.length + i] as number) * value, 0),
  );
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, x, i) => total + x * (b[i] as number), 0);

const sum = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x + (b[i] as number));
