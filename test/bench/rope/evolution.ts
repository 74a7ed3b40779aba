import { generator } from '../../../src/engine/generate/sampling';

/**
 * The evolutionary search of LongRoPE (2402.13753, §3.3 and algorithm 1), written from the paper as the peer of DCIS.
 * Factors are between 1 and 1.25 × the extension in steps of 0.01, and never decrease from fast to slow. The population
 * of 64 starts with PI, NTK and YaRN and mutations of them. Each generation keeps the best 32 as parents, makes 16
 * mutants (each factor with probability 0.3) and 16 crossovers. The threshold of initial tokens is 0, as in DCIS's
 * comparison.
 */
export interface EvolutionOptions {
  initial: readonly Float64Array[];
  largest: number;
  objective: (factors: Float64Array) => Promise<number>;
  seed: number;
  /** Stop once an individual is at least as good as the best of these. */
  targets: readonly number[];
  /** Maximum number of evaluations. */
  budget: number;
}

export interface Evolved {
  factors: Float64Array;
  objective: number;
  /** Number of evaluations when each target was reached; undefined if it was not. */
  reachedAfter: (number | undefined)[];
}

const POPULATION = 64;
const PARENTS = 32;
const MUTANTS = 16;
const CROSSOVERS = 16;
const MUTATION_PROBABILITY = 0.3;
const TRIES = 1000;

interface Individual {
  factors: Float64Array;
  objective: number;
}

export async function evolve({
  initial,
  largest,
  objective,
  seed,
  targets,
  budget,
}: EvolutionOptions): Promise<Evolved> {
  const random = generator(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const draw = () => 1 + Math.round(random() * (largest - 1) * 100) / 100;
  const monotone = (factors: Float64Array) =>
    factors.every((factor, i) => i === 0 || factor >= (factors[i - 1] as number));
  const mutate = (parent: Float64Array): Float64Array => {
    for (let i = 0; i < TRIES; i++) {
      const child = parent.map((factor) => (random() < MUTATION_PROBABILITY ? draw() : factor));
      if (monotone(child)) return child;
    }
    return parent.slice().sort();
  };
  const cross = (a: Float64Array, b: Float64Array): Float64Array => {
    for (let i = 0; i < TRIES; i++) {
      const child = a.map((factor, d) => (random() < 0.5 ? factor : (b[d] as number)));
      if (monotone(child)) return child;
    }
    return a.slice();
  };

  let evaluations = 0;
  let population: Individual[] = [];
  const best = () => population.reduce((a, b) => (b.objective < a.objective ? b : a));
  const reachedAfter: (number | undefined)[] = targets.map(() => undefined);
  const finished = () => evaluations >= budget || !reachedAfter.includes(undefined);
  const judge = async (candidates: Float64Array[]): Promise<void> => {
    for (const factors of candidates) {
      if (finished()) return;
      evaluations++;
      const value = await objective(factors);
      population.push({ factors, objective: Number.isFinite(value) ? value : Infinity });
      targets.forEach((target, i) => {
        if (value <= target) reachedAfter[i] ??= evaluations;
      });
    }
  };

  await judge([...initial, ...Array.from({ length: POPULATION - initial.length }, () => mutate(pick(initial)))]);
  while (!finished()) {
    population.sort((a, b) => a.objective - b.objective);
    population = population.slice(0, PARENTS);
    const parents = population.map(({ factors }) => factors);
    await judge([
      ...Array.from({ length: MUTANTS }, () => mutate(pick(parents))),
      ...Array.from({ length: CROSSOVERS }, () => cross(pick(parents), pick(parents))),
    ]);
  }
  return { ...best(), reachedAfter };
}
