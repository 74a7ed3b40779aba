import { decodeHalf, encodeHalf } from '../../../src/engine/kv-cache/float16';
import { SEARCH_WEIGHTS } from '../../../src/search';
import { runShare } from '../../../src/search/scorers/token-run';
import type { ScorerWeights } from '../../../src/search/weights';
import { LateInteraction, halves, joinFine } from '../../../src/memory';
import type { MemoryCoder } from '../../../src/inference/memory-coder';
import type { MemoryModel } from '../../../src/inference/memory-model';
import type { QueryEmbedding } from '../../../src/protocol/memory';
import { round, table } from '../engine/measure';
import { generator, interval, mean } from './statistics';

const ARMS = ['as they are', 'in 8 bits', 'zeroed', 'of another file', 'left out'] as const;
type Arm = (typeof ARMS)[number];

/** Characters of the past that only memories represent, and of the text that follows it. */
const PAST = 700;
const FOLLOWING = 400;

/**
 * Measures whether memories carry information: the likelihood of the following text, the ranking of that text's pasts,
 * and the recall of a value that only memories have. Each is measured with the memories as they are, in 8 bits,
 * zeroed, of another file, and left out. Prints the checkpoint's results with paired bootstrap intervals.
 */
export async function causality(
  memory: MemoryModel,
  texts: readonly { path: string; text: string }[],
  pairs: number,
): Promise<void> {
  const random = generator(1);
  const pieces = texts
    .filter(({ text }) => text.length > PAST + FOLLOWING)
    .slice(0, pairs)
    .map(({ text }) => {
      const start = Math.floor(random() * (text.length - PAST - FOLLOWING));
      return { past: text.slice(start, start + PAST), next: text.slice(start + PAST, start + PAST + FOLLOWING) };
    });
  const nll: Record<Arm, number[]> = empty();
  const rows = await rowsOf(
    memory,
    pieces.map(({ past }) => past),
  );
  for (const [i, { next }] of pieces.entries()) {
    for (const arm of ARMS) nll[arm].push(await likelihood(memory, arms(rows, i)[arm], '\n', next));
  }
  report('NLL (nats per token) of the following text, with its past in memories', nll, true);

  for (const [name, found] of Object.entries(await rankings(memory, pieces)))
    report(`Ranking: reciprocal rank of a text’s own past among all pasts, by ${name}`, found, false);

  await needles(
    memory,
    pieces.map(({ past }) => past),
    random,
  );
}

/**
 * Hides a number that only the rows of its segment have, and asks for it as users do. Dense rows are used where the
 * model has them, else fine rows.
 */
async function needles(memory: MemoryModel, pasts: readonly string[], random: () => number): Promise<void> {
  const { coder } = memory as unknown as { coder: MemoryCoder };
  const hidden = pasts.map((past) => {
    const [name, value] = [`${word(random)}_${word(random)}`, String(10_000 + Math.floor(random() * 90_000))];
    const at = past.indexOf('\n', Math.floor(random() * (past.length / 2))) + 1;
    return {
      past: `${past.slice(0, at)}const ${name} = ${value};\n${past.slice(at)}`,
      question: `What is the value of \`${name}\`?`,
      name,
      value,
    };
  });
  const texts = hidden.map(({ past }) => past);
  const rows = coder.config.dense
    ? await coder.encodeDense(texts.map((text) => coder.tokens(text)))
    : await rowsOf(memory, texts);
  const lost = empty();
  const recalled = empty();
  for (const [i, { question, name, value }] of hidden.entries()) {
    const some = arms(rows, i);
    for (const arm of ARMS) {
      lost[arm].push(await likelihoodOfValue(memory, some[arm], question, ` ${name} =`, ` ${value}`));
      const { text } = await compose(memory, some[arm], question, undefined, true);
      recalled[arm].push(text.includes(value) ? 1 : 0);
    }
  }
  const kind = coder.config.dense ? `a row for ${coder.config.dense.rowTokens} tokens` : 'fine rows';
  report(`Needles: NLL of a number that stands only in memories, ${kind}`, lost, true);
  report(`Needles: share recalled exactly, ${kind}`, recalled, false);
}

/** Ways to rank pasts by what the 8M model keeps of them. */
const { scorers: WEIGHTS, lateInteraction: LATE } = SEARCH_WEIGHTS;
type MemoryScorer = Exclude<keyof ScorerWeights, 'lexical' | 'phrase' | 'passage'>;
const RANKINGS: Record<string, Partial<Record<MemoryScorer, number>>> = {
  'their tokens one by one (late interaction)': {
    lateInteraction: WEIGHTS.lateInteraction,
    tokenRun: WEIGHTS.tokenRun,
  },
  'their runs of tokens': { tokenRun: 1 },
};

/**
 * Ranks the past of each following text with each ranking. Zeroed or omitted memories make all pasts equal, so their
 * rank is the mean over all orders.
 */
async function rankings(
  memory: MemoryModel,
  pieces: readonly { past: string; next: string }[],
): Promise<Record<string, Record<Arm, number[]>>> {
  const { vocabSize } = memory.description;
  const made = await memory.encode(pieces.map(({ past }) => past));
  const looks: QueryEmbedding[] = [];
  for (const { next } of pieces) looks.push(await memory.embed(next));
  const found = Object.fromEntries(Object.keys(RANKINGS).map((name) => [name, empty()]));
  for (const arm of ARMS) {
    const stored = made.map(({ ids }) => ids);
    const ids = made.map((_, i) => halves(arms(stored, i, false)[arm]));
    looks.forEach((look, i) => {
      const late = look.late && new LateInteraction(look.late, vocabSize, LATE);
      const scores = ids.map((own) => late?.score(own) ?? { passage: 0, tokenRun: 0 });
      const values: Record<MemoryScorer, readonly number[]> = {
        lateInteraction: scores.map(({ passage }) => passage),
        tokenRun: scores.map(({ tokenRun }) => runShare(tokenRun, LATE)),
      };
      for (const [name, points] of Object.entries(RANKINGS)) {
        const total = pieces.map((_, at) =>
          Object.entries(points).reduce(
            (sum, [scorer, weight]) => sum + weight * shareOf(values[scorer as MemoryScorer], at),
            0,
          ),
        );
        (found[name] as Record<Arm, number[]>)[arm].push(reciprocalRank(total, i));
      }
    });
  }
  return found;
}

/** Returns the position of a value between the minimum and the maximum, 0…1; 0 where all are equal. */
function shareOf(values: readonly number[], at: number): number {
  const least = Math.min(...values);
  const most = Math.max(...values);
  return most > least ? ((values[at] as number) - least) / (most - least) : 0;
}

/** Returns the mean reciprocal rank over all orders of equal scores. */
function reciprocalRank(scores: readonly number[], at: number): number {
  const own = scores[at] as number;
  const before = scores.filter((score) => score > own).length;
  const alike = scores.filter((score) => score === own).length;
  return mean(Array.from({ length: alike }, (_, place) => 1 / (before + place + 1)));
}

/** Returns the fine rows of each text. */
async function rowsOf(memory: MemoryModel, texts: readonly string[]): Promise<Uint8Array[]> {
  const { storedRowBytes, ratios } = memory.description;
  const made = await memory.encode(texts);
  return made.map(({ coarse, rest, tokens }) => joinFine(coarse, rest, tokens, storedRowBytes, ratios));
}

/** @param halfs whether the bytes are f16 numbers, which can be quantized to 8 bits */
function arms(rows: readonly Uint8Array[], i: number, halfs = true): Record<Arm, Uint8Array> {
  const own = rows[i] as Uint8Array;
  return {
    'as they are': own,
    'in 8 bits': halfs ? inEightBits(own) : own,
    zeroed: new Uint8Array(own.length),
    'of another file': rows[(i + 1) % rows.length] as Uint8Array,
    'left out': new Uint8Array(0),
  };
}

const empty = (): Record<Arm, number[]> => ({
  'as they are': [],
  'in 8 bits': [],
  zeroed: [],
  'of another file': [],
  'left out': [],
});

/** Quantizes rows to 8 bits with one scale for each group of 64 numbers (a head's key or value), and back. */
function inEightBits(bytes: Uint8Array): Uint8Array {
  const values = decodeHalf(halves(bytes));
  for (let from = 0; from < values.length; from += 64) {
    const run = values.subarray(from, from + 64);
    const scale = Math.max(...run.map(Math.abs)) / 127 || 1;
    run.forEach((value, i) => (run[i] = Math.round(value / scale) * scale));
  }
  return new Uint8Array(encodeHalf(values).buffer);
}

/** Splices the rows after the sinks, in the place of the product's fine rows or, without these, dense rows. */
function compose(
  memory: MemoryModel,
  rows: Uint8Array,
  question: string,
  follow: string | undefined,
  turn = false,
): ReturnType<MemoryModel['compose']> {
  return memory.compose({
    coarse: { id: 'none', rows: new Uint8Array(0), tokens: 0 },
    fine: { rows, tokens: 0 },
    full: [],
    question,
    turn,
    capacityRows: 4_096,
    maxNewTokens: follow === undefined ? 24 : 0,
    ...(follow === undefined ? {} : { follow }),
  });
}

async function likelihood(memory: MemoryModel, rows: Uint8Array, question: string, follow: string): Promise<number> {
  const { follow: found } = await compose(memory, rows, question, follow);
  if (!found) throw new Error('nothing was scored');
  return found.nll / found.tokens;
}

/** Returns the likelihood of a value in an answer that states a name first: the contribution of the value alone. */
async function likelihoodOfValue(
  memory: MemoryModel,
  rows: Uint8Array,
  question: string,
  name: string,
  value: string,
): Promise<number> {
  const { follow: before } = await compose(memory, rows, question, name, true);
  const { follow: whole } = await compose(memory, rows, question, `${name}${value}`, true);
  if (!before || !whole) throw new Error('nothing was scored');
  return (whole.nll - before.nll) / (whole.tokens - before.tokens);
}

function report(title: string, arms: Record<Arm, number[]>, lessIsBetter: boolean): void {
  const own = arms['as they are'];
  table(
    title,
    ARMS.map((arm) => {
      const [low, high] = interval(arms[arm].map((value, i) => value - (own[i] as number)));
      const worse = lessIsBetter ? low > 0 : high < 0;
      return {
        memories: arm,
        mean: round(mean(arms[arm]), 3),
        'minus as they are (95%)': arm === 'as they are' ? '' : `${low.toFixed(3)} … ${high.toFixed(3)}`,
        'significantly worse': arm === 'as they are' ? '' : worse ? 'yes' : 'no',
      };
    }),
  );
}

const SYLLABLES = ['ba', 'ko', 'mi', 'ru', 'te', 'lo', 'sa', 'ni', 'du', 'fe', 'gi', 'pa'];

function word(random: () => number): string {
  return Array.from({ length: 3 }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join('');
}
