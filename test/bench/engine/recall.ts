import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Decoder,
  full,
  KvRows,
  lambda,
  negativeLogLikelihood,
  openCheckpoint,
  Tokenizer,
  type AttentionPolicy,
  type DecoderContext,
} from '../../../src/engine';
import { generator } from '../../../src/engine/generate/sampling';
import { ropeFrequencies, rotateRows, rotationTable } from '../../../src/engine/rope/frequencies';
import { sharedData } from '../../shared-data';
import { round, table } from './measure';

const COPY = 48;
/** Number of evaluated tokens in the second reading. */
const JUDGED = COPY / 2;
const BEST = [5, 20, 64];

interface Subject {
  name: string;
  directory: string;
  window: number;
  sinks: number;
  /** Texts, as tokens. */
  texts: number[][];
  /** True if the whole text fits the model's window, so that it can be read without Λ. */
  full: boolean;
}

/**
 * Evaluates Λ's optional middle rows on a copy task: a passage of shuffled words, more text than the window holds, and
 * the passage again. It reports how well the second half is predicted. It also reports how often the heads choose the
 * rows that determine the next word: the row of that word, and of the word before it.
 */
export async function recall(): Promise<void> {
  for (const subject of await subjects()) {
    const checkpoint = await openCheckpoint(subject.directory);
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
    await checkpoint.close();
    await copying(decoder, subject);
    await choosing(decoder, subject);
    await decoder.close();
  }
}

async function subjects(): Promise<Subject[]> {
  const found: Subject[] = [];
  for (const { name, window } of [
    { name: 'babyllama-char', window: 192 },
    { name: 'stories260K', window: 384 },
  ]) {
    const directory = sharedData(`checkpoints/${name}`);
    const file = sharedData(`text/tinystories-rows-${name}.json`);
    if (directory && file)
      found.push({
        name,
        directory,
        window,
        sinks: 8,
        texts: JSON.parse(readFileSync(file, 'utf8')) as number[][],
        full: false,
      });
  }
  const directory = 'models/anchorage-8m';
  if (!existsSync(directory)) return found;
  const checkpoint = await openCheckpoint(directory);
  const tokenizer = await Tokenizer.open(directory, checkpoint.config.vocabSize);
  await checkpoint.close();
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const texts = files
    .map((file) => tokenizer.encode(readFileSync(join('src', file), 'utf8')))
    .filter((tokens) => tokens.length > 1400)
    .slice(0, 16);
  return [...found, { name: 'anchorage-8m', directory, window: 512, sinks: 4, texts, full: true }];
}

/**
 * Makes a task. `read`: a passage, `between` tokens of text, and the first half of the passage. `rest`: its second
 * half.
 */
function task({ texts }: Subject, i: number, between: number): { read: number[]; rest: number[] } {
  const text = texts[i] as number[];
  const random = generator(i);
  const passage = text
    .slice(1, 1 + COPY)
    .map((token) => ({ token, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ token }) => token);
  const filler = (texts[(i + 1) % texts.length] as number[]).slice(1, 1 + between);
  return {
    read: [text[0] as number, ...passage, ...filler, ...passage.slice(0, COPY - JUDGED)],
    rest: passage.slice(COPY - JUDGED),
  };
}

async function copying(decoder: Decoder, subject: Subject): Promise<void> {
  const { name, window, sinks, texts } = subject;
  const plain = () => lambda({ sinks, window });
  const kinds: [string, () => AttentionPolicy, number][] = [
    ['Λ, the passage within the window', plain, Math.floor(window / 4)],
    ['Λ, beyond it', plain, 2 * window],
    ...[1, 2].flatMap((fromLayer) =>
      [5, 20].map((k): [string, () => AttentionPolicy, number] => [
        `and ${k} middle rows from layer ${fromLayer}`,
        () => lambda({ sinks, window, middle: { k, fromLayer } }),
        2 * window,
      ]),
    ),
    ...(subject.full ? [['full attention', () => full(), 2 * window] as [string, () => AttentionPolicy, number]] : []),
  ];
  const rows = [];
  for (const [what, policy, between] of kinds) {
    let [right, nats, count] = [0, 0, 0];
    for (const i of texts.keys()) {
      const { read, rest } = task(subject, i, between);
      const context = decoder.newContext(policy(), 4 * window + 4 * COPY);
      let { logits } = await context.prefill(read);
      for (const token of rest) {
        nats += negativeLogLikelihood(logits, token);
        if (logits.indexOf(logits.reduce((a, b) => Math.max(a, b))) === token) right++;
        count++;
        logits = await context.decode(token);
      }
    }
    rows.push({ what, 'tokens right %': round((100 * right) / count), nats: round(nats / count, 3) });
  }
  table(`${name}: the second half of a repeated passage of ${COPY} tokens (window ${window})`, rows);
}

/**
 * Reports how often the correct rows are among the k best middle rows. It compares the un-rotated keys of all rows with
 * the queries of each token of the rest.
 */
async function choosing(decoder: Decoder, subject: Subject): Promise<void> {
  const { name, window, sinks, texts } = subject;
  const { layers, kvHeads, queryHeads, headDim, rope } = decoder.config;
  const inverse = ropeFrequencies(rope, window);
  const atHalf = rotationTable({ ...inverse, attentionScale: 1 }, [Math.floor(window / 2)]);
  const hits = Array.from({ length: layers * queryHeads }, () => BEST.map(() => 0));
  let [asked, middle] = [0, 0];
  for (const i of texts.keys()) {
    const { read, rest } = task(subject, i, 2 * window);
    const context = decoder.newContext(lambda({ sinks, window }), 4 * window);
    const parts: KvRows[] = [];
    for (let from = 0; from < read.length; from += 64) {
      const to = Math.min(read.length, from + 64);
      await context.prefill(read.slice(from, to), { logits: 'none' });
      // The first chunk has the sinks, because they are not among the near rows later.
      parts.push(context.rowsAt(from, to));
    }
    const last = read.length - window;
    for (const [t, token] of rest.slice(0, -1).entries()) {
      const query = await queryOf(decoder, context, token, parts[0] as KvRows, sinks, window);
      rotateRows(query, layers * queryHeads, headDim, atHalf);
      // The word is at `own` in the passage, and the next word follows it.
      const own = 1 + COPY - JUDGED + t;
      for (let head = 0; head < layers * queryHeads; head++) {
        const layer = Math.floor(head / queryHeads);
        const kv = layer * kvHeads + Math.floor((head % queryHeads) / (queryHeads / kvHeads));
        const scores: number[] = [];
        for (const part of parts) {
          for (let row = 0; row < part.rows; row++) {
            const at = (kv * part.rows + row) * headDim;
            let score = 0;
            for (let d = 0; d < headDim; d++)
              score += (part.keys[at + d] as number) * (query[head * headDim + d] as number);
            scores.push(score);
          }
        }
        const rank = (position: number) =>
          scores.slice(sinks, last).filter((score) => score > (scores[position] as number)).length;
        const best = Math.min(rank(own), rank(own + 1));
        BEST.forEach((k, b) => {
          if (best < k) (hits[head] as number[])[b]!++;
        });
      }
      asked++;
      middle += last - sinks;
      await context.decode(token);
    }
  }
  const share = (head: number, b: number) => (100 * ((hits[head] as number[])[b] as number)) / asked;
  table(
    `${name}: the row of the word or of the one behind it among the k best middle rows, % of ${asked} queries`,
    BEST.map((k, b) => {
      const shares = hits.map((_, head) => share(head, b));
      const best = shares.indexOf(Math.max(...shares));
      return {
        k,
        'by chance': round((100 * 2 * k * asked) / middle),
        'mean head': round(shares.reduce((x, y) => x + y, 0) / shares.length),
        'best head': round(shares[best] as number),
        which: `layer ${Math.floor(best / queryHeads)}, head ${best % queryHeads}`,
      };
    }),
  );
}

/** Un-rotated queries [layers, queryHeads, headDim] of a token after the sinks and the context's last rows. */
async function queryOf(
  decoder: Decoder,
  context: DecoderContext,
  token: number,
  first: KvRows,
  sinks: number,
  window: number,
): Promise<Float32Array> {
  const from = context.position - window + sinks + 1;
  const near = context.rowsAt(from, context.position);
  const prefix = joined(first, sinks, near);
  const [encoded] = await decoder.encodeSegments([{ tokens: [token], keep: [], eachQuery: true }], { prefix });
  return (encoded?.eachQuery as Float32Array).slice();
}

/** Concatenates the first `count` rows of `a` and all rows of `b`. */
function joined(a: KvRows, count: number, b: KvRows): KvRows {
  const { layers, kvHeads, headDim } = a.shape;
  const rows = count + b.rows;
  const join = (x: KvRows['keys'], y: KvRows['keys']) => {
    const out = new Float32Array(layers * kvHeads * rows * headDim);
    for (let head = 0; head < layers * kvHeads; head++) {
      out.set(x.subarray(head * a.rows * headDim, (head * a.rows + count) * headDim), head * rows * headDim);
      out.set(y.subarray(head * b.rows * headDim, (head + 1) * b.rows * headDim), (head * rows + count) * headDim);
    }
    return out;
  };
  return new KvRows({
    shape: a.shape,
    keys: join(a.keys, b.keys),
    values: join(a.values, b.values),
    positions: Int32Array.from({ length: rows }, (_, i) => i),
    tokens: rows,
  });
}
