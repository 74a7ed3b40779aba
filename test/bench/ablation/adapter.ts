/** LongLoRA: the bundled reader with its adapter and without it, on repositories it was not trained on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readerChat, readerQuote } from '../../../src/assistant/write/reader-prompt';
import { EngineModel } from '../../../src/inference/engine-model';
import { benchCache } from '../engine/measure';
import type { Outcome } from './outcome';

const ADAPTER = join('models', 'anchorage-reader-135m');
/** Characters of evidence at most, so that a question takes seconds. */
const EVIDENCE = 1_500;
const ANSWER_TOKENS = 40;

/** A set of evidence of the recipe (models/recipe/reader/examples.py). */
interface Example {
  blocks: readonly (readonly [path: string, first: number, last: number, text: string])[];
  questions: readonly { question: string; facts: readonly string[]; absent: boolean }[];
}

/** @param examples a file of the recipe's test split, which the adapter was not trained on */
export async function readerAdapter(model: string, examples: string, count: number, threads: number): Promise<Outcome> {
  const asked = questionsOf(examples).slice(0, count);
  const right = async (adapters: readonly string[]): Promise<number[]> => {
    const reader = await EngineModel.load({
      directory: model,
      adapters,
      compiledDirectory: benchCache('compiled'),
      weights: 'auto',
      threads,
    });
    const found: number[] = [];
    for (const { quotes, question, facts } of asked) {
      const chat = readerChat(quotes, question);
      const { text } = await reader.write(chat, { maxNewTokens: ANSWER_TOKENS, onText: () => {}, quotes });
      found.push(facts.every((fact) => holds(text, fact)) ? 1 : 0);
      process.stderr.write(`${adapters.length > 0 ? 'adapted' : 'base'}: ${question}\n  ${text}\n`);
    }
    await reader.close();
    return found;
  };
  return {
    system: 'LongLoRA',
    removed: 'the reader’s base without its adapter',
    shown: 'asked facts told right',
    subject: 'bundled reader, held-out repositories',
    with: await right([ADAPTER]),
    without: await right([]),
  };
}

function questionsOf(file: string): { quotes: string[]; question: string; facts: readonly string[] }[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line, set) => {
      const { blocks, questions } = JSON.parse(line) as Example;
      if (blocks.reduce((sum, [, , , text]) => sum + text.length, 0) > EVIDENCE) return [];
      const quotes = blocks.map(([path, startLine, endLine, text]) => readerQuote({ path, startLine, endLine, text }));
      // One question of each set, another kind each time.
      const exact = questions.filter(({ facts, absent }) => facts.length > 0 && !absent);
      const one = exact[set % Math.max(1, exact.length)];
      return one ? [{ quotes, question: one.question, facts: one.facts }] : [];
    });
}

function holds(text: string, fact: string): boolean {
  const at = text.indexOf(fact);
  return at >= 0 && !/\w/.test(text.charAt(at - 1)) && !/\w/.test(text.charAt(at + fact.length));
}
