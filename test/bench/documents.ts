/**
 * `npm run bench -- documents --docs DIR [--only DOCUMENT[/FORM] …] [--half tuning|validation] [--show] [--words]
 * [--no-peer] [--minutes N] [--continue]`:
 * asks questions about long documents in all forms, without a model that writes. It reports the share of answers that
 * hold the fact in their first 900 characters and anywhere, beside passages of BM25 and the same sentence encoder.
 * `--words` ranks without the encoder. `--minutes` ends a run before its next document; with `--continue` a later run
 * of the same code goes on from there.
 * `node scripts/bench-documents.mjs DIR` brings the documents.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PassageEncoder } from '../../src/inference/passage-encoder';
import { ENCODER, FIRST_CHARACTERS, withWorkspace } from './documents/asked-workspace';
import { KeptResults } from './documents/kept-results';
import { Peer } from './documents/peer';
import { type DocumentQuestion, holds, isAnswerable, plain, QUESTIONS } from './documents/questions';
import { StoredSentences } from './documents/sentences';

const MAX_FILE_BYTES = 5_000_000;

export interface Result {
  document: string;
  form: string;
  half: DocumentQuestion['half'];
  first: boolean;
  anywhere: boolean;
  characters: number;
  milliseconds: number;
  /** Processor time in ms, of all threads. */
  processor: number;
  peerFirst: boolean;
  peerThree: boolean;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      docs: { type: 'string' },
      only: { type: 'string', multiple: true },
      half: { type: 'string' },
      minutes: { type: 'string' },
      show: { type: 'boolean' },
      answers: { type: 'boolean' },
      words: { type: 'boolean' },
      'no-peer': { type: 'boolean' },
      continue: { type: 'boolean' },
    },
  });
  const docs = resolve(values.docs ?? process.env['ANCHORAGE_BENCH_DOCS'] ?? 'documents');
  if (!existsSync(docs))
    throw new Error(`${docs} is missing. node scripts/bench-documents.mjs DIR brings the documents.`);
  const sentences = values['no-peer'] ? undefined : await StoredSentences.open(ENCODER, '.cache/bench/sentences.bin');
  const encoder = values['words'] ? undefined : await PassageEncoder.open(ENCODER, undefined);
  const results: Result[] = [];
  const kept = values.continue ? KeptResults.open('.cache/bench/documents-kept.json') : undefined;
  const left: string[] = [];
  for (const document of new Set(QUESTIONS.map((question) => question.document))) {
    const questions = QUESTIONS.filter(
      (question) => question.document === document && (values.half === undefined || question.half === values.half),
    );
    for (const form of existsSync(join(docs, document)) ? readdirSync(join(docs, document)) : []) {
      const name = `${document}/${form}`;
      if (values.only && !values.only.some((only) => only === document || only === name)) continue;
      let own = kept?.get(name);
      if (!own && performance.now() > 60_000 * Number(values.minutes ?? Infinity)) {
        left.push(name);
        continue;
      }
      const show = { failures: values.show ?? false, answers: values.answers ?? false };
      own ??= await askAll(join(docs, document, form), { document, form, questions, sentences, encoder, show });
      kept?.keep(name, own);
      print(name, own);
      results.push(...own);
    }
  }
  await sentences?.close();
  await encoder?.close();
  if (left.length > 0) console.log(`No time was left for ${left.join(', ')}.`);
  console.log('');
  for (const half of ['tuning', 'validation'] as const) {
    const ours = results.filter((result) => result.half === half);
    console.log(half);
    for (const form of new Set(ours.map((result) => result.form)))
      print(
        `  English, ${form}`,
        ours.filter((result) => result.form === form && !isTranslated(result.document)),
      );
    for (const language of ['de', 'fr', 'ja', 'ru', 'zh'])
      print(
        `  language ${language}`,
        ours.filter((result) => result.document.endsWith(`.${language}`)),
      );
    print(
      '  all English',
      ours.filter((result) => !isTranslated(result.document)),
    );
    print('  all', ours);
  }
}

const isTranslated = (document: string): boolean => /\.(?:de|fr|ja|ru|zh)$/.test(document);

interface Task {
  document: string;
  form: string;
  questions: readonly DocumentQuestion[];
  sentences: StoredSentences | undefined;
  encoder: PassageEncoder | undefined;
  show: { failures: boolean; answers: boolean };
}

async function askAll(
  directory: string,
  { document, form, questions, sentences, encoder, show }: Task,
): Promise<Result[]> {
  const folder = { name: document, directory, maxFileBytes: MAX_FILE_BYTES };
  return withWorkspace(folder, encoder, async ({ library, answerTo }) => {
    const texts: string[] = [];
    for (const { path, segments } of library.documents()) {
      const read = segments > 0 ? await library.indexed(path) : undefined;
      if (read?.segmented.segments.some(({ kind }) => kind === 'prose') || form === 'ipynb')
        texts.push(read?.document.text ?? '');
    }
    const plainTexts = texts.map(plain);
    const peer = sentences && new Peer(texts, sentences);
    const results: Result[] = [];
    // The first question warms the caches.
    await answerTo(questions[0]?.text ?? '');
    for (const question of questions) {
      if (!isAnswerable(plainTexts, question)) {
        console.log(`${document}/${form} has no answer in its language to: ${question.text}`);
        if (isTranslated(document)) continue;
      }
      const started = performance.now();
      const used = process.cpuUsage();
      const markdown = await answerTo(question.text);
      const milliseconds = performance.now() - started;
      const { user, system } = process.cpuUsage(used);
      const processor = (user + system) / 1_000;
      const answer = plain(markdown);
      const first = holds(answer.slice(0, FIRST_CHARACTERS), question);
      const anywhere = holds(answer, question);
      const passages = (await peer?.search(question.text, 3)) ?? [];
      const peerFirst = holds(plain(passages[0] ?? ''), question);
      const peerThree = holds(plain(passages.join('\n')), question);
      const { half } = question;
      const characters = markdown.length;
      results.push({
        document,
        form,
        half,
        first,
        anywhere,
        characters,
        milliseconds,
        processor,
        peerFirst,
        peerThree,
      });
      if (show.failures && !first)
        console.log(
          `  ${anywhere ? 'late' : 'MISS'}${peerFirst ? ' (peer first)' : ''}: ${question.text} ${JSON.stringify(question.words)}`,
        );
      if (show.answers && !first) console.log(`${markdown.slice(0, 2_500)}\n--------`);
    }
    return results;
  });
}

function print(name: string, results: readonly Result[]): void {
  if (results.length === 0) return;
  const share = (of: (result: Result) => boolean): string => (results.filter(of).length / results.length).toFixed(2);
  const median = (of: (result: Result) => number): number =>
    results.map(of).sort((a, b) => a - b)[Math.floor(results.length / 2)] ?? 0;
  console.log(
    `${name.padEnd(22)} n ${String(results.length).padStart(3)}  first 900 ${share((r) => r.first)}  anywhere ${share((r) => r.anywhere)}  ` +
      `peer first ${share((r) => r.peerFirst)}  first three ${share((r) => r.peerThree)}  ` +
      `${median((r) => r.milliseconds).toFixed(0)} ms  processor ${median((r) => r.processor).toFixed(0)} ms  ${median((r) => r.characters)} characters`,
  );
}
