/**
 * `npm run bench -- real MODE …`: answers of a real model over unseen repositories and documents.
 *
 * - `answers --model FILE --folders DIR --out FILE [--plain] [--questions FILE]`: asks the questions of
 *   real/questions.json and appends a line of JSON for each arm: quotes alone, ours, and with `--plain` llama.cpp with
 *   the best four spans pasted; without a model quotes alone. A second run goes on where the first ended.
 * - `unanswerable [--model FILE] --folders DIR --out FILE`: asks what the sources do not answer, and counts prose
 *   that is shown. The drafts are recorded too. Without a model it lists the questions that one would be asked.
 * - `replay --folders DIR --out FILE [--brief] [--points]`: verifies the recorded drafts again, without the model; with
 *   `--points` the lines that carry a sentence are shown instead of it, as for small models.
 * - `grades`: the rates of real/grades.json, which somebody graded by reading.
 * - `first-word --model FILE --folders DIR`: seconds to the first word shown: while the search also encodes passages
 *   for the first time, with passages encoded and no row kept (cold), and with kept rows (warm).
 * - `opening --model FILE`: processor time of the first and of later openings, size and memory, beside llama.cpp.
 * - `fidelity --model FILE [--tokens 256]`: divergence of the next token's distribution from f32, beside llama.cpp.
 * - `speed --model FILE [--depths 0,2048] [--turns 5]`: prefill and decode beside llama.cpp on the same file.
 *
 * `--threads 1` lets a busy machine answer sooner.
 */
import type { EngineProcess } from '../../src/inference/engine-process';
import type { Answer, Writer } from '../../src/protocol';
import { onFile } from './engine/llama';
import { median } from './engine/measure';
import { eachQuestion, openEngine, Recording } from './real/asking';
import { fidelity } from './real/fidelity';
import { printGrades } from './real/grades';
import { Lines, questionsOf, unanswerableQuestions, type Line, type Question } from './real/lines';
import { openLlamaWriter } from './real/llama-cpp';
import { openAlone, openings, type OpeningArm } from './real/opening';
import { replayed } from './real/replay';

type Open = () => Promise<EngineProcess>;

const QUESTIONS = 'test/bench/real/questions.json';

export async function run([mode, ...rest]: readonly string[]): Promise<void> {
  const value = (name: string): string | undefined =>
    rest.includes(`--${name}`) ? rest[rest.indexOf(`--${name}`) + 1] : undefined;
  const option = (name: string): string => {
    const given = value(name);
    if (given === undefined) throw new Error(`Name --${name}.`);
    return given;
  };
  if (mode === 'grades') return printGrades('test/bench/real/grades.json');
  if (mode === 'opening') return openings(option('model'));
  if (mode === 'fidelity')
    return fidelity(option('model'), Number(value('tokens') ?? 256), Number(value('threads') ?? 2));
  if (mode === 'speed')
    return onFile(
      option('model'),
      (value('depths') ?? '0,2048').split(',').map(Number),
      Number(value('threads') ?? 2),
      Number(value('turns') ?? 5),
    );
  // A child process of `opening`.
  if (mode === 'open-alone') return openAlone(rest[0] as string, rest[1] as OpeningArm, rest[2] as string);
  const folders = option('folders');
  const open: Open = () => openEngine(option('model'), Number(value('threads') ?? 0));
  const questions = questionsOf(value('questions') ?? QUESTIONS);
  switch (mode) {
    case 'answers': {
      if (value('model') === undefined) return quotesAlone(folders, option('out'), questions);
      await answers(open, folders, option('out'), questions);
      if (rest.includes('--plain')) await plainAnswers(option('model'), folders, option('out'), questions);
      return;
    }
    case 'unanswerable':
      if (value('model') === undefined) return passing(folders);
      return unanswerable(open, folders, option('out'));
    case 'replay':
      return replay(folders, option('out'), rest.includes('--brief'), rest.includes('--points'));
    case 'first-word':
      return firstWord(open, folders, questions);
    default:
      throw new Error('Modes: answers, unanswerable, replay, grades, first-word, opening, speed');
  }
}

async function answers(open: Open, folders: string, out: string, asked: readonly Question[]): Promise<void> {
  const lines = new Lines(out);
  const list = asked.filter((question) => lines.isMissing('ours', question));
  if (list.length === 0) return;
  const engine = await open();
  try {
    await eachQuestion(folders, list, async (ask, question) => {
      const recorded = new Recording(engine.writer() as Writer);
      const answer = await ask(question.ask, recorded);
      lines.add({ ...question, arm: 'ours', ...shown(answer), draft: recorded.draft, units: recorded.units });
      if (lines.isMissing('quotes', question)) {
        const text = answer.prose ? answer.markdown.slice(answer.prose.length).trim() : answer.markdown;
        lines.add({ ...question, arm: 'quotes', text, seconds: 0, firstWord: 0 });
      }
      console.log(`${question.in}: ${question.ask}\n  ${answer.prose ?? '–'}`);
    });
  } finally {
    engine.close();
  }
}

async function quotesAlone(folders: string, out: string, asked: readonly Question[]): Promise<void> {
  const lines = new Lines(out);
  const list = asked.filter((question) => lines.isMissing('quotes', question));
  await eachQuestion(folders, list, async (ask, question) => {
    lines.add({ ...question, arm: 'quotes', ...shown(await ask(question.ask)) });
  });
}

async function plainAnswers(model: string, folders: string, out: string, asked: readonly Question[]): Promise<void> {
  const lines = new Lines(out);
  const list = asked.filter((question) => lines.isMissing('plain', question));
  if (list.length === 0) return;
  const llama = await openLlamaWriter(model);
  try {
    await eachQuestion(folders, list, async (ask, question) => {
      const written = await llama.write(await ask(question.ask));
      lines.add({ ...question, arm: 'plain', ...written });
      console.log(`${question.in}: ${question.ask}\n  ${written.text}`);
    });
  } finally {
    await llama.close();
  }
}

async function unanswerable(open: Open, folders: string, out: string): Promise<void> {
  const lines = new Lines(out);
  const all = unanswerableQuestions();
  const list = all.filter((question) => lines.isMissing('unanswerable', question));
  const engine = list.length > 0 ? await open() : undefined;
  try {
    await eachQuestion(folders, list, async (ask, question) => {
      const recorded = new Recording(engine?.writer() as Writer);
      const answer = await ask(question.ask, recorded);
      lines.add({ ...question, arm: 'unanswerable', ...shown(answer), draft: recorded.draft, units: recorded.units });
      if (answer.prose) console.log(`${question.in}: ${question.ask}\n  ${answer.prose}`);
    });
  } finally {
    engine?.close();
  }
  const done = new Lines(out).all.filter(({ arm }) => arm === 'unanswerable');
  const written = done.filter(({ draft }) => draft);
  const prose = done.filter((line) => line.prose);
  console.log(
    `${done.length} of ${all.length} questions: the model wrote for ${written.length}, prose was shown for ${prose.length}.`,
  );
}

/** The questions that a model would be asked: upper bound of prose that is shown. */
async function passing(folders: string): Promise<void> {
  const all = unanswerableQuestions();
  let count = 0;
  await eachQuestion(folders, all, async (ask, question) => {
    const silent = new Recording(silentWriter);
    await ask(question.ask, silent);
    if (silent.units.length === 0) return;
    count += 1;
    console.log(`${question.in}: ${question.ask}`);
  });
  console.log(`${all.length} questions: a model would be asked ${count}.`);
}

const silentWriter: Writer = {
  author: { kind: 'chosen', model: 'silent' },
  contextTokens: 8_192,
  bytesPerRow: 1,
  countChats: async (chats) =>
    chats.map((chat) => Math.ceil(chat.reduce((sum, { content }) => sum + content.length, 0) / 4)),
  write: async () => ({
    text: '',
    promptTokens: 0,
    newTokens: 0,
    stopped: 'end',
    timing: { read: 0, decode: 0, firstToken: 0 },
  }),
};

async function replay(folders: string, out: string, brief: boolean, points: boolean): Promise<void> {
  const counts = new Map<Line['arm'], { drafts: number; sentences: number; answers: number }>();
  for (const line of new Lines(out).all) {
    if (line.draft === undefined) continue;
    const { shown: text, citations, dropped } = await replayed(folders, line, points);
    const count = counts.get(line.arm) ?? { drafts: 0, sentences: 0, answers: 0 };
    counts.set(line.arm, count);
    count.drafts += line.draft === '' ? 0 : 1;
    count.sentences += (text.match(/\[\d+\][.!?:;]*(?=\s|$)/g) ?? []).length;
    count.answers += text === '' ? 0 : 1;
    if (line.draft === '' || (brief && text === '')) continue;
    console.log(`## ${line.arm}, ${line.in}: ${line.ask}${line.key === '' ? '' : `\nkey: ${line.key}`}`);
    if (!brief) console.log(dropped.map((sentence) => `dropped: ${sentence}`).join('\n'));
    console.log(`shown: ${text === '' ? '–' : text}`);
    for (const { number, path, startLine, endLine, text: cited } of citations)
      console.log(`[${number}] ${path}:${startLine}-${endLine}\n${brief ? cited.replace(/^/gm, '    ') : ''}`);
  }
  for (const [arm, { drafts, sentences, answers: some }] of counts)
    console.log(`${arm}: ${drafts} drafts, ${some} shown, ${sentences} sentences.`);
}

async function firstWord(open: Open, folders: string, questions: readonly Question[]): Promise<void> {
  const engine = await open();
  const firstWords: Record<string, number[]> = {};
  try {
    await eachQuestion(
      folders,
      questions.filter((_, i) => i % 8 === 0),
      async (ask, { ask: question }) => {
        for (const arm of ['unread folder', 'cold', 'warm']) {
          if (arm !== 'warm') await engine.request('forgetRows', null);
          const { timing, prose, ledger } = await ask(question, engine.writer());
          if (prose) (firstWords[arm] ??= []).push(timing.firstToken);
          const tokens = ledger.groups.reduce((sum, { kind, tokens: each }) => sum + (kind === 'answer' ? 0 : each), 0);
          console.log(
            `${arm}: first word ${seconds(timing.firstToken)}${prose ? '' : ' (no prose)'}, of it search ` +
              `${seconds(timing.retrieve)}; reading ${tokens} tokens ${seconds(timing.read)}, writing ${seconds(timing.decode)}`,
          );
        }
      },
    );
    for (const [arm, times] of Object.entries(firstWords))
      console.log(`${arm}: median ${seconds(median(times))} of ${times.length} answers with prose`);
  } finally {
    engine.close();
  }
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1_000).toFixed(2)} s`;

function shown(answer: Answer): Pick<Line, 'text' | 'prose' | 'seconds' | 'firstWord'> {
  const sources = answer.citations.map(
    ({ number, path, startLine, endLine }) => `[${number}] ${path}:${startLine}-${endLine}`,
  );
  return {
    text: `${answer.markdown}\n\n${sources.join('\n')}`,
    ...(answer.prose === undefined ? {} : { prose: answer.prose }),
    seconds: answer.timing.total / 1_000,
    firstWord: answer.timing.firstToken / 1_000,
  };
}
