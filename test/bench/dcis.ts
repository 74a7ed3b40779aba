/**
 * `npm run bench -- dcis [--seeds N] [--factors 4,8] [--model DIR --ids FILE]`: compares rotary factors for 4 and 8
 * times the trained window of the two real checkpoints (or of DIR, on FILE, a JSON array of rows of token ids). For
 * each seed, DCIS and LongRoPE's evolutionary search calibrate on one row of text. These two, linear, NTK and YaRN are
 * then evaluated on other rows. "staying" is DCIS in which a segment may stay unchanged. Prints the mean negative
 * log-likelihood (nats) of the test rows per method, and the evaluations each search needs for the same calibration
 * perplexity.
 */
import { readFileSync } from 'node:fs';
import { Decoder, openCheckpoint, standardFactors } from '../../src/engine';
import { generator } from '../../src/engine/generate/sampling';
import { searchFactors, type CalibrationRow } from '../../src/engine';
import { temperature } from '../../src/engine/rope/frequencies';
import { factorPerplexity } from '../../src/engine/calibration/objective';
import { sharedData } from '../shared-data';
import { evolve } from './rope/evolution';

const METHODS = ['none', 'linear', 'ntk', 'yarn', 'dcis', 'staying', 'longrope'] as const;
type Method = (typeof METHODS)[number];
const CALIBRATION_ROWS = 1;
const TEST_ROWS = 2;

interface Judged {
  nll: Record<Method, number>;
  /**
   * For DCIS as in the paper, and for "staying": the number of evaluations, the number when the best factors were
   * found, and the number at which the evolutionary search was first as good on the calibration row (infinite if
   * never).
   */
  searches: { evaluations: number; bestAfter: number; evolution: number }[];
  evolutionBudget: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const seeds = Number(option('--seeds') ?? 5);
  const factors = (option('--factors') ?? '4,8').split(',').map(Number);
  const own = option('--model');
  const names = own ? [own] : ['babyllama-char', 'stories260K'];
  for (const name of names) {
    const directory = own ?? sharedData(`checkpoints/${name}`);
    const file = own ? option('--ids') : sharedData(`text/tinystories-rows-${name}.json`);
    if (!directory || !file) {
      console.log(`${name}: skipped, because the checkpoint or its text is missing`);
      continue;
    }
    const checkpoint = await openCheckpoint(directory);
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
    const rows = JSON.parse(readFileSync(file, 'utf8')) as number[][];
    for (const factor of factors) {
      const judged: Judged[] = [];
      for (let seed = 0; seed < seeds; seed++) {
        const result = await judge(decoder, rows, factor, seed);
        judged.push(result);
        console.log(
          `seed ${seed}: ${METHODS.map((method) => `${method} ${result.nll[method].toFixed(4)}`).join(', ')}; evolution after ${result.searches.map(({ evolution }) => evolution).join(' and ')} of ${result.evolutionBudget}`,
        );
      }
      report(name, factor, judged, decoder);
    }
    await decoder.close();
    await checkpoint.close();
  }
}

/** Calibration and test rows never share a token, because each row of text goes to one of the two. */
async function judge(decoder: Decoder, rows: readonly number[][], factor: number, seed: number): Promise<Judged> {
  const { rope } = decoder.config;
  const length = rope.originalMaxPositions * factor;
  const dealt = shuffled(rows, seed);
  const asRows = (texts: readonly number[][]): CalibrationRow[] =>
    texts.map((text) => ({ tokens: text.slice(0, length), counts: new Uint8Array(length).fill(1, 1) }));
  const calibration = asRows(dealt.slice(0, CALIBRATION_ROWS));
  const test = asRows(dealt.slice(CALIBRATION_ROWS, CALIBRATION_ROWS + TEST_ROWS));
  const scale = temperature(factor);
  const objective = (factors: Float64Array) => factorPerplexity(decoder, calibration, factors, factor, scale);
  const yarn = standardFactors(rope, 'yarn', factor).factors;

  const dcis = await searchFactors({ initial: yarn, objective });
  const staying = await searchFactors({ initial: yarn, objective, mayStay: true });
  // The budget is twice the evaluations of DCIS, which is enough to compare the two.
  const evolutionBudget = 2 * dcis.evaluations;
  const others = (['linear', 'ntk', 'yarn'] as const).map((kind) => standardFactors(rope, kind, factor).factors);
  const evolution = await evolve({
    initial: others,
    largest: 1.25 * factor,
    objective,
    seed,
    targets: [dcis.objective, staying.objective],
    budget: evolutionBudget,
  });

  const nll = {} as Record<Method, number>;
  for (const kind of ['linear', 'ntk', 'yarn'] as const) {
    const { factors, attentionFactor } = standardFactors(rope, kind, factor);
    nll[kind] = Math.log(await factorPerplexity(decoder, test, factors, factor, attentionFactor));
  }
  nll.none = Math.log(await factorPerplexity(decoder, test, new Float64Array(yarn.length).fill(1), factor, 1));
  nll.dcis = Math.log(await factorPerplexity(decoder, test, dcis.factors, factor, scale));
  nll.staying = Math.log(await factorPerplexity(decoder, test, staying.factors, factor, scale));
  nll.longrope = Math.log(await factorPerplexity(decoder, test, evolution.factors, factor, scale));
  const searches = [dcis, staying].map(({ evaluations, bestAfter }, i) => ({
    evaluations,
    bestAfter,
    evolution: evolution.reachedAfter[i] ?? Infinity,
  }));
  return { nll, searches, evolutionBudget };
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = generator(seed);
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

function report(name: string, factor: number, judged: readonly Judged[], decoder: Decoder): void {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const spread = (values: readonly number[]) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
  const { rope } = decoder.config;
  console.log(
    `${name}, ${factor} × ${rope.originalMaxPositions} tokens, ${rope.rotaryDim / 2} frequency pairs, ${judged.length} seeds`,
  );
  for (const method of METHODS) {
    const values = judged.map(({ nll }) => nll[method]);
    const beaten = (by: Method) => judged.filter(({ nll }) => nll[by] < nll[method]).length;
    console.log(
      `  ${method.padEnd(9)} nll ${mean(values).toFixed(4)} ± ${spread(values).toFixed(4)}   dcis lower in ${beaten('dcis')}, staying in ${beaten('staying')} of ${judged.length}`,
    );
  }
  for (const [i, kind] of ['dcis', 'staying'].entries()) {
    const searches = judged.map((j) => j.searches[i] as Judged['searches'][number]);
    const half = (of: (search: Judged['searches'][number]) => number) =>
      searches.filter((search) => 2 * of(search) <= search.evolution).length;
    console.log(
      `  ${kind}: ${searches[0]?.evaluations} evaluations, best found after ${searches.map(({ bestAfter }) => bestAfter).join(', ')}; evolution is as good after ${searches.map(({ evolution }) => (Number.isFinite(evolution) ? evolution : `> ${judged[0]?.evolutionBudget}`)).join(', ')}`,
    );
    console.log(
      `    at most half of evolution's: in ${half(({ bestAfter }) => bestAfter)} of ${searches.length} until the best is found, in ${half(({ evaluations }) => evaluations)} by the whole search`,
    );
  }
}
