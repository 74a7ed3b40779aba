import { memoryBytes, CATALOGUE, POINTS, type CatalogueEntry } from '../catalogue';
import { wordsPerSecond, type MachineSpeed } from './speed';

/** Words a second below which reading along is no pleasure. */
const READING_SPEED = 4;
/** Most of the machine's memory that a recommended model takes. */
const MEMORY_SHARE = 0.3;
const ESTIMATE_TOKENS = 8192;

/** States in one sentence the use of a model, from its name and its size in parameters. */
export function purposeOf(name: string, parameters: number): string {
  const isCoder = /cod(?:e|er|ing)/i.test(name);
  if (parameters < 1e9) return `Fast. ${POINTS}`;
  if (parameters < 2.5e9) return isCoder ? 'Good answers about code at reading speed.' : 'Good prose at reading speed.';
  if (parameters < 5e9)
    return isCoder ? 'Understands more code, and writes slowly.' : 'Reasons better, and writes slowly.';
  return isCoder ? 'The best answers about code. Needs a fast machine.' : 'The best answers. Needs a fast machine.';
}

/**
 * The download for a machine: the largest model of the catalogue that fits its memory and writes at reading speed,
 * trained on code where two are alike; else the smallest.
 */
export function recommendedFor(memory: number, speed: MachineSpeed): CatalogueEntry {
  const fitting = CATALOGUE.filter(
    ({ shape }) =>
      memoryBytes(shape, ESTIMATE_TOKENS) <= memory * MEMORY_SHARE && wordsPerSecond(shape, speed) >= READING_SPEED,
  );
  const coders = fitting.filter(({ repository }) => /coder/i.test(repository));
  return coders.at(-1) ?? fitting.at(-1) ?? (CATALOGUE[0] as CatalogueEntry);
}
