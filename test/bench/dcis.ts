/**
 * `npm run bench -- dcis [--seeds N]`: rotary factors for 4 and 8 times the trained window of the two real checkpoints. For each seed DCIS and
 * LongRoPE's evolutionary search calibrate on some rows of text; both, and linear, NTK and YaRN, are then judged on other rows. Prints the mean negative
 * log-likelihood (nats) of the test rows by method, and the evaluations each search needs for the same calibration perplexity.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Decoder, openCheckpoint, standardFactors } from '../../src/engine';
import { generator } from '../../src/engine/generate/sampling';
import { searchFactors, type CalibrationRow } from '../../src/engine/rope';
import { temperature } from '../../src/engine/rope/frequencies';
import { factorPerplexity } from '../../src/engine/rope/objective';
import { sharedData } from '../shared-data';
import { evolve } from './rope/evolution';

const METHODS = ['none', 'linear', 'ntk', 'yarn', 'dcis', 'longrope'] as const;
type Method = (typeof METHODS)[number];
const CALIBRATION_ROWS = 2;
const TEST_ROWS = 3;

interface Judged {
  nll: Record<Method, number>;
  dcisEvaluations: number;
  /** Evaluations after which the evolutionary search first was as good on the calibration rows; infinite if never. */
  evolutionEvaluations: number;
  evolutionBudget: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const seeds = Number(args[args.indexOf('--seeds') + 1] || 5) || 5;
  for (const name of ['babyllama-char', 'stories260K']) {
    const directory = sharedData(`checkpoints/${name}`);
    const file = sharedData(`text/tinystories-rows-${name}.json`);
    if (!directory || !file) {
      console.log(`${name}: the shared checkpoints are not there; skipped`);
      continue;
    }
    const checkpoint = await openCheckpoint(directory);
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
    const rows = JSON.parse(readFileSync(join(file), 'utf8')) as number[][];
    for (const factor of [4, 8]) {
      const judged: Judged[] = [];
      for (let seed = 0; seed < seeds; seed++) judged.push(await judge(decoder, rows, factor, seed));
      report(name, factor, judged, decoder);
    }
    await decoder.close();
    await checkpoint.close();
  }
}

/** Calibration and test rows never share a token: the rows of text are shuffled and dealt out. */
async function judge(decoder: Decoder, rows: readonly number[][], factor: number, seed: number): Promise<Judged> {
  const { rope } = decoder.config;
  const length = rope.originalMaxPositions * factor;
  const dealt = shuffled(rows, seed);
  const asRows = (texts: readonly number[][]): CalibrationRow[] => texts.map((text) => ({ tokens: text.slice(0, length), counts: new Uint8Array(length).fill(1, 1) }));
  const calibration = asRows(dealt.slice(0, CALIBRATION_ROWS));
  const test = asRows(dealt.slice(CALIBRATION_ROWS, CALIBRATION_ROWS + TEST_ROWS));
  const scale = temperature(factor);
  const objective = (factors: Float64Array) => factorPerplexity(decoder, calibration, factors, factor, scale);
  const yarn = standardFactors(rope, 'yarn', factor).factors;

  const dcis = await searchFactors({ initial: yarn, objective });
  const evolutionBudget = 4 * dcis.evaluations;
  const others = (['linear', 'ntk', 'yarn'] as const).map((kind) => standardFactors(rope, kind, factor).factors);
  const evolution = await evolve({ initial: others, largest: 1.25 * factor, objective, seed, target: dcis.objective, budget: evolutionBudget });

  const nll = {} as Record<Method, number>;
  for (const kind of ['linear', 'ntk', 'yarn'] as const) {
    const { factors, attentionFactor } = standardFactors(rope, kind, factor);
    nll[kind] = Math.log(await factorPerplexity(decoder, test, factors, factor, attentionFactor));
  }
  nll.none = Math.log(await factorPerplexity(decoder, test, new Float64Array(yarn.length).fill(1), factor, 1));
  nll.dcis = Math.log(await factorPerplexity(decoder, test, dcis.factors, factor, scale));
  nll.longrope = Math.log(await factorPerplexity(decoder, test, evolution.factors, factor, scale));
  return { nll, dcisEvaluations: dcis.evaluations, evolutionEvaluations: evolution.reachedAfter ?? Infinity, evolutionBudget };
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
  console.log(`${name}, ${factor} × ${rope.originalMaxPositions} tokens, ${rope.rotaryDim / 2} frequency pairs, ${judged.length} seeds`);
  for (const method of METHODS) {
    const values = judged.map(({ nll }) => nll[method]);
    const beaten = judged.filter(({ nll }) => nll.dcis < nll[method]).length;
    console.log(`  ${method.padEnd(9)} nll ${mean(values).toFixed(4)} ± ${spread(values).toFixed(4)}${method === 'dcis' ? '' : `   DCIS lower in ${beaten} of ${judged.length}`}`);
  }
  const ratios = judged.map(({ dcisEvaluations, evolutionEvaluations }) => evolutionEvaluations / dcisEvaluations);
  const reached = ratios.filter(Number.isFinite);
  const [first] = judged;
  console.log(`  evaluations: DCIS ${first?.dcisEvaluations}; evolution to the same calibration perplexity: ${judged.map((j) => (Number.isFinite(j.evolutionEvaluations) ? j.evolutionEvaluations : `> ${j.evolutionBudget}`)).join(', ')}`);
  console.log(`  at most half the evaluations in ${ratios.filter((ratio) => ratio >= 2).length} of ${judged.length}${reached.length > 0 ? `; evolution reached it in ${reached.length}` : ''}`);
}
