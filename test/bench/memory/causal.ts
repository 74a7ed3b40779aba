import { decodeHalf, encodeHalf } from '../../../src/engine/cache/float16';
import { anchorAttention } from '../../../src/library/memories/attention';
import { halves, joinFine } from '../../../src/library/memories/rows';
import type { MemoryModel } from '../../../src/worker/memory-model';
import { round, table } from '../engine/measure';
import { generator, interval, mean } from './statistics';

const ARMS = ['as they are', 'in 8 bits', 'zeroed', 'of another file', 'left out'] as const;
type Arm = (typeof ARMS)[number];

/** Characters of the past that is held in memories only, and of the text that follows it. */
const PAST = 700;
const FOLLOWING = 400;

/**
 * Whether memories carry anything: the likelihood of the text that follows, how the model's attention to them ranks the pasts of that text, and the
 * recall of a value that stands only in them, with the memories as they are, in 8 bits, zeroed, of another file, and left out. Prints what the checkpoint achieves, with paired bootstrap intervals.
 */
export async function causality(memory: MemoryModel, texts: readonly { path: string; text: string }[], pairs: number): Promise<void> {
  const random = generator(1);
  const pieces = texts.filter(({ text }) => text.length > PAST + FOLLOWING).slice(0, pairs).map(({ text }) => {
    const start = Math.floor(random() * (text.length - PAST - FOLLOWING));
    return { past: text.slice(start, start + PAST), next: text.slice(start + PAST, start + PAST + FOLLOWING) };
  });
  const nll: Record<Arm, number[]> = empty();
  const rows = await rowsOf(memory, pieces.map(({ past }) => past));
  for (const [i, { next }] of pieces.entries()) {
    for (const arm of ARMS) nll[arm].push(await likelihood(memory, arms(rows, i)[arm], '\n', next));
  }
  report('NLL (nats per token) of the text that follows, its past held in memories', nll, true);

  report('Ranking: reciprocal rank of a text’s own past among all pasts, by the model’s attention to their coarse rows', await ranking(memory, pieces), false);

  const needles = pieces.map(({ past }) => {
    const name = `retry${words(random, 1)}${words(random, 1)}`;
    const value = words(random, 3);
    const at = past.indexOf('\n', Math.floor(random() * (past.length / 2))) + 1;
    return { past: `${past.slice(0, at)}${name} = "${value}"\n${past.slice(at)}`, question: `<|query|>${name} = "`, value };
  });
  const hidden = await rowsOf(memory, needles.map(({ past }) => past));
  const lost: Record<Arm, number[]> = empty();
  const recalled: Record<Arm, number[]> = empty();
  for (const [i, { question, value }] of needles.entries()) {
    const some = arms(hidden, i);
    for (const arm of ARMS) {
      lost[arm].push(await likelihood(memory, some[arm], question, value));
      const { text } = await compose(memory, some[arm], question, undefined);
      recalled[arm].push(text.trimStart().startsWith(value) ? 1 : 0);
    }
  }
  report('Needles: NLL of a value that stands only in memories', lost, true);
  report('Needles: share recalled exactly', recalled, false);
}

/** Where attention places the past of each text that follows. Zeroed, or left out, all pasts are alike: the mean over their order is what is left. */
async function ranking(memory: MemoryModel, pieces: readonly { past: string; next: string }[]): Promise<Record<Arm, number[]>> {
  const coarse = (await memory.encode(pieces.map(({ past }) => past))).map((made) => made.coarse);
  const looks = await memory.vectors(pieces.map(({ next }) => next));
  const ranks = empty();
  for (const arm of ARMS) {
    const rows = pieces.map((_, i) => arms(coarse, i)[arm]);
    looks.forEach(({ queries }, i) => {
      const shares = anchorAttention(queries, rows, memory.description.heads);
      const own = shares[i] as number;
      const before = shares.filter((share) => share > own).length;
      const alike = shares.filter((share) => share === own).length;
      // Among those that are alike any order is as likely.
      ranks[arm].push(mean(Array.from({ length: alike }, (_, at) => 1 / (before + at + 1))));
    });
  }
  return ranks;
}

/** Fine rows of each text. */
async function rowsOf(memory: MemoryModel, texts: readonly string[]): Promise<Uint8Array[]> {
  const { storedRowBytes, ratios } = memory.description;
  const made = await memory.encode(texts);
  return made.map(({ coarse, rest, tokens }) => joinFine(coarse, rest, tokens, storedRowBytes, ratios));
}

function arms(rows: readonly Uint8Array[], i: number): Record<Arm, Uint8Array> {
  const own = rows[i] as Uint8Array;
  return { 'as they are': own, 'in 8 bits': inEightBits(own), zeroed: new Uint8Array(own.length), 'of another file': rows[(i + 1) % rows.length] as Uint8Array, 'left out': new Uint8Array(0) };
}

const empty = (): Record<Arm, number[]> => ({ 'as they are': [], 'in 8 bits': [], zeroed: [], 'of another file': [], 'left out': [] });

/** Rows as they would come back from 8 bits with one scale for each run of 64 numbers (a head's key or value). */
function inEightBits(bytes: Uint8Array): Uint8Array {
  const values = decodeHalf(halves(bytes));
  for (let from = 0; from < values.length; from += 64) {
    const run = values.subarray(from, from + 64);
    const scale = Math.max(...run.map(Math.abs)) / 127 || 1;
    run.forEach((value, i) => (run[i] = Math.round(value / scale) * scale));
  }
  return new Uint8Array(encodeHalf(values).buffer);
}

function compose(memory: MemoryModel, rows: Uint8Array, question: string, follow: string | undefined): ReturnType<MemoryModel['compose']> {
  return memory.compose({
    coarse: { id: 'none', rows: new Uint8Array(0), tokens: 0 }, fine: { rows, tokens: 0 }, full: [], question, capacityRows: 4_096,
    maxNewTokens: follow === undefined ? 12 : 0, ...(follow === undefined ? {} : { follow }),
  });
}

async function likelihood(memory: MemoryModel, rows: Uint8Array, question: string, follow: string): Promise<number> {
  const { follow: found } = await compose(memory, rows, question, follow);
  if (!found) throw new Error('nothing was scored');
  return found.nll / found.tokens;
}

function report(title: string, arms: Record<Arm, number[]>, lessIsBetter: boolean): void {
  const own = arms['as they are'];
  table(title, ARMS.map((arm) => {
    const [low, high] = interval(arms[arm].map((value, i) => value - (own[i] as number)));
    const worse = lessIsBetter ? low > 0 : high < 0;
    return { memories: arm, mean: round(mean(arms[arm]), 3), 'minus as they are (95%)': arm === 'as they are' ? '' : `${low.toFixed(3)} … ${high.toFixed(3)}`, 'significantly worse': arm === 'as they are' ? '' : worse ? 'yes' : 'no' };
  }));
}

const SYLLABLES = ['ba', 'ko', 'mi', 'ru', 'te', 'lo', 'sa', 'ni', 'du', 'fe', 'gi', 'pa'];

function words(random: () => number, count: number): string {
  return Array.from({ length: count }, () => {
    const word = Array.from({ length: 2 }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join('');
    return word.charAt(0).toUpperCase() + word.slice(1);
  }).join('');
}
