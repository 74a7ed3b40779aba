/**
 * `npm run bench -- forms --repos DIR [--only NAME …] [--form NAME] [--half tuning|validation] [--show] [--words]`:
 * asks repositories questions of the forms that lead with something of their own: lists, comparisons, values, reasons,
 * outcomes, ways. It reports the share of answers that hold the words of a right answer in their first 900 characters
 * and anywhere. `--show` prints the answers. `--words` ranks without the sentence encoder.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PassageEncoder } from '../../src/inference/passage-encoder';
import { ENCODER, FIRST_CHARACTERS, withWorkspace } from './documents/asked-workspace';
import { holds, plain } from './documents/questions';
import asked from './forms/questions.json';

const MAX_FILE_BYTES = 2_000_000;

interface FormQuestion {
  form: string;
  text: string;
  words: readonly (readonly string[])[];
  half: 'tuning' | 'validation';
}

interface Result extends FormQuestion {
  first: boolean;
  anywhere: boolean;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repos: { type: 'string' },
      only: { type: 'string', multiple: true },
      form: { type: 'string' },
      half: { type: 'string' },
      ask: { type: 'string' },
      show: { type: 'boolean' },
      words: { type: 'boolean' },
    },
  });
  const repos = resolve(values.repos ?? process.env['ANCHORAGE_BENCH_REPOS'] ?? 'repositories');
  const encoder = values.words ? undefined : await PassageEncoder.open(ENCODER, undefined);
  const results: Result[] = [];
  for (const [repository, rows] of Object.entries(asked)) {
    const directory = join(repos, repository);
    if (!existsSync(directory) || (values.only && !values.only.includes(repository))) continue;
    // Questions in their order alternate between the halves.
    const questions = rows
      .map(([form = '', text = '', ...words], i): FormQuestion => ({
        form,
        text,
        words: words.map((forms) => forms.split('|').map(plain)),
        half: i % 2 === 0 ? 'tuning' : 'validation',
      }))
      .filter(({ form, half }) => (values.form ?? form) === form && (values.half ?? half) === half);
    const own: FormQuestion = { form: 'other', text: values.ask ?? '', words: [], half: 'tuning' };
    results.push(...(await askAll(directory, values.ask === undefined ? questions : [own], encoder, values.show)));
  }
  await encoder?.close();
  for (const half of ['tuning', 'validation'] as const) {
    const of = results.filter((result) => result.half === half);
    for (const form of new Set(of.map((result) => result.form)))
      print(
        `${half}, ${form}`,
        of.filter((result) => result.form === form),
      );
    print(`${half}, all`, of);
  }
}

async function askAll(
  directory: string,
  questions: readonly FormQuestion[],
  encoder: PassageEncoder | undefined,
  show: boolean | undefined,
): Promise<Result[]> {
  if (questions.length === 0) return [];
  return withWorkspace({ name: 'bench', directory, maxFileBytes: MAX_FILE_BYTES }, encoder, async ({ answerTo }) => {
    const results: Result[] = [];
    for (const question of questions) {
      const markdown = await answerTo(question.text);
      const asked = { ...question, document: '' };
      const result = {
        ...question,
        first: holds(plain(markdown.slice(0, FIRST_CHARACTERS)), asked),
        anywhere: holds(plain(markdown), asked),
      };
      results.push(result);
      const verdict = result.first ? 'first' : result.anywhere ? 'late' : 'MISS';
      console.log(`${verdict.padEnd(6)}${question.form}: ${question.text}`);
      if (show) console.log(`${markdown}\n--------`);
    }
    return results;
  });
}

function print(name: string, results: readonly Result[]): void {
  if (results.length === 0) return;
  const share = (of: (result: Result) => boolean): string => (results.filter(of).length / results.length).toFixed(2);
  console.log(
    `${name.padEnd(24)} n ${String(results.length).padStart(3)}  first 900 ${share(({ first }) => first)}  anywhere ${share(({ anywhere }) => anywhere)}`,
  );
}
