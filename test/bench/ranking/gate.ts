import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isEnough, isEnoughByWords, type Findings } from '../../../src/assistant/quote/enough';
import { interval, mean } from '../memory/statistics';
import type { Question } from '../retrieval/questions';

export interface GateRow {
  id: string;
  repo: string;
  text: string;
  cos: { max: number };
  gate: { terms: number; passages: Findings['passages'] };
}

/**
 * Questions with and without an answer: short ones about a repository, the same ones about nothing in it (everyday
 * life, other kinds of program), and half of the long ones about other repositories.
 */
export function gateQuestions(long: readonly Question[]): Question[] {
  const file = join(process.cwd(), 'test', 'bench', 'ranking', 'gate-questions.json');
  const given = JSON.parse(readFileSync(file, 'utf8')) as {
    answered: Record<string, { question: string; gold: string[] }[]>;
    unanswered: string[];
  };
  return Object.entries(given.answered).flatMap(([repository, answered]) => [
    ...answered.map(({ question, gold }, i) => ({
      id: `short-${i}`,
      repository,
      text: question,
      gold: gold.map((path) => ({ path, spans: [] })),
    })),
    ...given.unanswered.map((text, i) => ({ id: `none-${i}`, repository, text, gold: [] })),
    ...long
      .filter((other) => other.repository !== repository)
      .filter((_, i) => i % 2 === 0)
      .map(({ id, text }) => ({ id: `other-${id}`, repository, text, gold: [] })),
  ]);
}

const KINDS = {
  'short, answered': (id: string) => id.startsWith('short-'),
  'long, answered': (id: string) => !/^(short|none|other)-/.test(id),
  'about nothing in it': (id: string) => id.startsWith('none-'),
  'about another repository': (id: string) => id.startsWith('other-'),
};

/** Prints how often the gate errs, by words alone and with the similarity. */
export function reportGate(rows: readonly GateRow[]): void {
  console.log('Share of wrong decisions: an answerable question refused, another one answered');
  for (const repository of [...new Set(rows.map(({ repo }) => repo)), 'all']) {
    for (const [kind, isOf] of Object.entries(KINDS)) {
      const own = rows.filter(({ id, repo }) => isOf(id) && (repository === 'all' || repo === repository));
      if (own.length === 0) continue;
      const wrong = (isShown: boolean): number => Number(isShown !== kind.endsWith('answered'));
      const words = own.map(({ gate }) => wrong(isEnoughByWords(gate)));
      const both = own.map(({ text, cos, gate }) =>
        wrong(isEnough({ text, ...gate, similarity: cos.max, encoded: 1 })),
      );
      const [low, high] = interval(both.map((value, i) => value - (words[i] as number)));
      console.log(
        `${repository.padEnd(9)} ${kind.padEnd(25)} n ${String(own.length).padStart(3)}   by words ${mean(words).toFixed(3)}   with similarity ${mean(both).toFixed(3)}   difference [${low.toFixed(3)}, ${high.toFixed(3)}]`,
      );
    }
  }
}
