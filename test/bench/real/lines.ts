/** The record of a run: one line of JSON for each question and arm. Somebody grades the lines against the sources. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export interface Question {
  in: string;
  ask: string;
  /** The answer in short; empty if the sources have none. */
  key: string;
}

export type Arm = 'quotes' | 'plain' | 'ours' | 'unanswerable';

export interface Line extends Question {
  arm: Arm;
  text: string;
  prose?: string;
  /** The text that the model wrote, and the quotes it read. */
  draft?: string;
  units?: readonly string[];
  seconds: number;
  firstWord: number;
}

export function questionsOf(file: string): Question[] {
  return inTurns(JSON.parse(readFileSync(file, 'utf8')) as Question[]);
}

export function unanswerableQuestions(): Question[] {
  const all = JSON.parse(readFileSync('test/bench/real/unanswerable.json', 'utf8')) as Record<string, string[]>;
  return inTurns(Object.entries(all).flatMap(([folder, list]) => list.map((ask) => ({ in: folder, ask, key: '' }))));
}

/** One question of each folder, then the second of each: a run that is stopped early has some of all. */
function inTurns(list: readonly Question[]): Question[] {
  const seen = new Map<string, number>();
  const turn = new Map(
    list.map((question) => {
      const count = seen.get(question.in) ?? 0;
      seen.set(question.in, count + 1);
      return [question, count];
    }),
  );
  return [...list].sort((a, b) => (turn.get(a) ?? 0) - (turn.get(b) ?? 0));
}

export class Lines {
  readonly all: readonly Line[];
  private readonly done: ReadonlySet<string>;

  constructor(private readonly file: string) {
    this.all = existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Line)
      : [];
    this.done = new Set(this.all.map(({ arm, in: folder, ask }) => `${arm} ${folder} ${ask}`));
  }

  isMissing(arm: Arm, { in: folder, ask }: Question): boolean {
    return !this.done.has(`${arm} ${folder} ${ask}`);
  }

  add(line: Line): void {
    appendFileSync(this.file, `${JSON.stringify(line)}\n`);
  }
}
