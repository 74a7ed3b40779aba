/**
 * Which line of a text begins what a question asks for (models/recipe/pointer.py). Rests on the tokens' own vectors alone: no model is run.
 * Nothing in the product calls it: quoted answers were no better for it (models/anchorage-8m/MODEL_CARD.md); it is what the exported tensors mean.
 */
import { SafetensorsFile } from '../engine/checkpoint/safetensors';
import { WorkerError } from './errors';

export interface LineScores {
  /** Of "none of these lines": a line that scores less is not pointed at. */
  none: number;
  /** Of each line of the text, in order. */
  lines: Float64Array;
}

/** Scalars of a token: as one of a line, as its first, as the last of the line before. */
const STARTS = 3;
/** Logit of a line without tokens of its own, as a blank one is: it begins nothing. */
const NO_TOKENS = -8;

export class LinePointer {
  private constructor(
    /** [vocabulary, width] */
    private readonly table: Float32Array,
    private readonly width: number,
    /** [vocabulary, STARTS] */
    private readonly starts: Float32Array,
    private readonly scales: { bias: number; beginning: number; likeness: number; none: number },
  ) {}

  /**
   * `point.starts` and `point.scales`; undefined where the file has none.
   *
   * @param table the tokens' own vectors, [vocabulary, width]
   * @throws CheckpointError, WorkerError when a tensor has another size
   */
  static async open(path: string, table: Float32Array, width: number): Promise<LinePointer | undefined> {
    const file = await SafetensorsFile.open(path);
    try {
      if (!file.tensors.has('point.starts')) return undefined;
      const [starts, scales] = [await file.readFloat32('point.starts'), await file.readFloat32('point.scales')];
      const vocabulary = table.length / width;
      if (starts.length !== vocabulary * STARTS || scales.length !== 4) throw new WorkerError('modelFailed', `${path}: point.starts and point.scales have ${starts.length} and ${scales.length} elements, not ${vocabulary} × ${STARTS} and 4.`);
      const [bias, beginning, likeness, none] = scales as unknown as [number, number, number, number];
      return new LinePointer(table, width, starts, { bias, beginning, likeness, none });
    } finally {
      await file.close();
    }
  }

  /** @param question its tokens; lines: each line's, where the token that breaks a line belongs to the line it ends (and may hold the next one's indentation) */
  scores(question: readonly number[], lines: readonly (readonly number[])[]): LineScores {
    const asked = this.#sum(question);
    const beginnings = this.#beginnings(lines);
    const scores = new Float64Array(lines.length);
    // What is said from a line on: its own tokens and, as far as the next line begins nothing, what is said from there.
    const said = new Float64Array(this.width);
    for (let line = lines.length - 1; line >= 0; line--) {
      const goesOn = line + 1 < lines.length ? 1 / (1 + Math.exp(beginnings[line + 1] as number)) : 0;
      const own = this.#sum(lines[line] as readonly number[]);
      for (let i = 0; i < said.length; i++) said[i] = (own[i] as number) + goesOn * (said[i] as number);
      scores[line] = this.scales.beginning * -Math.log1p(Math.exp(-(beginnings[line] as number))) + this.scales.likeness * cosine(said, asked);
    }
    return { none: this.scales.none, lines: scores };
  }

  /** The logit of each line's beginning a definition. */
  #beginnings(lines: readonly (readonly number[])[]): Float64Array {
    const of = (token: number | undefined, as: number): number => (token === undefined ? 0 : (this.starts[token * STARTS + as] as number));
    let before: number | undefined;
    return Float64Array.from(lines, (tokens) => {
      if (tokens.length === 0) return NO_TOKENS;
      const logit = this.scales.bias + tokens.reduce((sum, token) => sum + of(token, 0), 0) / tokens.length + of(tokens[0], 1) + of(before, 2);
      before = tokens[tokens.length - 1];
      return logit;
    });
  }

  #sum(tokens: readonly number[]): Float64Array {
    const sum = new Float64Array(this.width);
    for (const token of tokens) for (let i = 0; i < this.width; i++) sum[i] = (sum[i] as number) + (this.table[token * this.width + i] as number);
    return sum;
  }
}

function cosine(a: Float64Array, b: Float64Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

/** The tokens of each line; one token may end several lines. breaks: how many line breaks a token holds. */
export function linesOfTokens(tokens: readonly number[], breaks: (token: number) => number): number[][] {
  const lines: number[][] = [];
  let line: number[] = [];
  for (const token of tokens) {
    line.push(token);
    for (let i = breaks(token); i > 0; i--) {
      lines.push(line);
      line = [];
    }
  }
  if (line.length > 0) lines.push(line);
  return lines;
}
