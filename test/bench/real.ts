/**
 * `npm run bench -- real MODE …`: answers of a real model over unseen repositories and documents.
 *
 * - `answers --model FILE --folders DIR --out FILE [--plain]`: asks the questions of real/questions.json three ways
 *   (quotes alone, ours, and a plain prompt with the best four spans as llama.cpp would get it) and appends a line of
 *   JSON for each. A second run goes on where the first ended. Somebody grades the lines against the sources.
 * - `replay --folders DIR --out FILE`: verifies the recorded drafts again, without the model.
 * - `unanswerable --model FILE --folders DIR`: asks what the sources do not answer, and counts prose that is shown.
 * - `first-word --model FILE --folders DIR`: seconds to the first word shown, cold and with kept rows.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../../src/assistant/ask';
import { EngineProcess } from '../../src/inference/engine-process';
import type { Answer, ChatMessage, Writer, Written } from '../../src/protocol';
import { Search } from '../../src/search';
import { Workspace } from '../../src/workspace/workspace';
import { bundle } from '../workspace/files';

interface Question {
  in: string;
  ask: string;
  key: string;
}

interface Line extends Question {
  arm: 'quotes' | 'plain' | 'ours';
  text: string;
  prose?: string;
  /** The text that the model wrote, and the quotes it read. */
  draft?: string;
  units?: readonly string[];
  seconds: number;
  firstWord: number;
}

const SETTINGS = { filesExclude: ['**/.git'], maxFileBytes: 2_000_000 };
/** Reading speed that the answers are written for, so that a busy machine does not change them. */
const TOKENS_PER_SECOND = 375;
const PLAIN_SPANS = 4;
const PLAIN_TOKENS = 220;

export async function run([mode, ...rest]: readonly string[]): Promise<void> {
  const option = (name: string): string => {
    const value = rest[rest.indexOf(`--${name}`) + 1];
    if (!rest.includes(`--${name}`) || value === undefined) throw new Error(`Name --${name}.`);
    return value;
  };
  const folders = option('folders');
  if (mode === 'answers') return answers(option('model'), folders, option('out'), rest.includes('--plain'));
  if (mode === 'replay') return replay(folders, option('out'));
  if (mode === 'unanswerable') return unanswerable(option('model'), folders);
  if (mode === 'first-word') return firstWord(option('model'), folders);
  throw new Error('Modes: answers, replay, unanswerable, first-word');
}

async function answers(model: string, folders: string, out: string, withPlain: boolean): Promise<void> {
  const done = new Set(linesOf(out).map(({ ask: question, arm }) => `${arm} ${question}`));
  const isMissing = (arm: Line['arm'], question: Question): boolean => !done.has(`${arm} ${question.ask}`);
  const engine = await open(model);
  try {
    const list = inTurns(questions()).filter(
      (question) => isMissing('ours', question) || (withPlain && isMissing('plain', question)),
    );
    await eachQuestion(folders, list, async (workspace, question) => {
      const writer = engine.writer() as Writer;
      const add = (line: Omit<Line, keyof Question>): void =>
        appendFileSync(out, `${JSON.stringify({ ...question, ...line })}\n`);
      if (isMissing('ours', question)) {
        const recorded = new Recording(writer);
        const answer = await asked(workspace, question.ask, recorded);
        add({ arm: 'ours', ...shown(answer), draft: recorded.draft, units: recorded.units });
        const quotes = answer.prose ? answer.markdown.slice(answer.prose.length).trim() : answer.markdown;
        add({ arm: 'quotes', text: quotes, seconds: 0, firstWord: 0 });
        console.log(`${question.in}: ${question.ask}\n  ${answer.prose ?? '–'}`);
      }
      if (withPlain && isMissing('plain', question)) {
        const answer = await asked(workspace, question.ask, undefined);
        add({ arm: 'plain', ...(await plain(answer, writer)) });
      }
    });
  } finally {
    engine.close();
  }
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

async function replay(folders: string, out: string): Promise<void> {
  const recorded = linesOf(out).filter(({ arm }) => arm === 'ours');
  await eachQuestion(folders, recorded, async (workspace, line) => {
    const answer = await asked(workspace, line.ask, replaying(line));
    console.log(
      `## ${line.in}: ${line.ask}\nkey: ${line.key}\ndraft: ${line.draft ?? '–'}\nshown: ${answer.prose ?? '–'}\n`,
    );
  });
}

async function unanswerable(model: string, folders: string): Promise<void> {
  const all = JSON.parse(readFileSync('test/bench/real/unanswerable.json', 'utf8')) as Record<string, string[]>;
  const asking = Object.entries(all).flatMap(([folder, list]) =>
    list.map((each) => ({ in: folder, ask: each, key: '' })),
  );
  const engine = await open(model);
  let written = 0;
  let prose = 0;
  try {
    await eachQuestion(folders, asking, async (workspace, question) => {
      const recording = new Recording(engine.writer() as Writer);
      const answer = await asked(workspace, question.ask, recording);
      written += recording.draft === '' ? 0 : 1;
      prose += answer.prose ? 1 : 0;
      if (recording.draft !== '')
        console.log(`${question.in}: ${question.ask}\n  draft: ${recording.draft}\n  shown: ${answer.prose ?? '–'}`);
    });
  } finally {
    engine.close();
  }
  console.log(`${asking.length} questions: the model was asked in ${written}, prose was shown in ${prose}.`);
}

async function firstWord(model: string, folders: string): Promise<void> {
  const engine = await open(model);
  try {
    await eachQuestion(
      folders,
      questions().filter((_, i) => i % 20 === 0),
      async (workspace, { ask: question }) => {
        await engine.request('forgetRows', null);
        for (const arm of ['cold', 'warm']) {
          const { timing, prose, ledger } = await asked(workspace, question, engine.writer());
          const tokens = ledger.groups.reduce((sum, { kind, tokens: each }) => sum + (kind === 'answer' ? 0 : each), 0);
          console.log(
            `${arm}: first word ${seconds(timing.firstToken)}${prose ? '' : ' (no prose)'}, of it search ` +
              `${seconds(timing.retrieve)}; reading ${tokens} tokens ${seconds(timing.read)}, writing ${seconds(timing.decode)}`,
          );
        }
      },
    );
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

/** The best spans pasted before the question, without verification. */
async function plain(
  { question, spans }: Answer,
  writer: Writer,
): Promise<Pick<Line, 'text' | 'seconds' | 'firstWord'>> {
  const context = spans.slice(0, PLAIN_SPANS).map(({ path, text }) => `${path}:\n${text}`);
  const chat: ChatMessage[] = [
    { role: 'system', content: 'You are a helpful assistant.' },
    { role: 'user', content: `${context.join('\n\n')}\n\nAnswer the question: ${question}` },
  ];
  const started = performance.now();
  const { text, timing } = await writer.write(chat, { maxNewTokens: PLAIN_TOKENS, onText: () => {} });
  return { text, seconds: (performance.now() - started) / 1_000, firstWord: timing.firstToken / 1_000 };
}

function asked(workspace: Workspace, question: string, writer: Writer | undefined): Promise<Answer> {
  return ask(
    { id: 'bench', question, scope: { kind: 'workspace' } },
    {
      library: workspace,
      search: new Search({ workspace }),
      ...(writer ? { writer: async () => ({ writer }) } : {}),
    },
  );
}

/** Keeps what was read and written, and reads for a machine of a fixed speed. */
class Recording implements Writer {
  draft = '';
  units: readonly string[] = [];
  readonly author;
  readonly contextTokens;
  readonly bytesPerRow;

  constructor(private readonly writer: Writer) {
    ({ author: this.author, contextTokens: this.contextTokens, bytesPerRow: this.bytesPerRow } = writer);
  }

  countChats(...given: Parameters<Writer['countChats']>): ReturnType<Writer['countChats']> {
    return this.writer.countChats(...given);
  }

  async readiness(_: readonly ChatMessage[], quotes: readonly string[]) {
    return { held: quotes.map(() => false), tokensPerSecond: TOKENS_PER_SECOND };
  }

  async write(chat: readonly ChatMessage[], options: Parameters<Writer['write']>[1]): Promise<Written> {
    this.units = options.quotes ?? [];
    const onText = (text: string): void => {
      this.draft += text;
      options.onText(text);
    };
    return this.writer.write(chat, { ...options, onText });
  }
}

/** Reads the same units and writes the same draft again. */
function replaying({ units = [], draft = '' }: Line): Writer {
  const known = new Set(units);
  return {
    author: { kind: 'chosen', model: 'replay' },
    contextTokens: 8_192,
    bytesPerRow: 1,
    countChats: async (chats) =>
      chats.map((chat) => (chat.length > 1 || chat[0]?.content === '' || known.has(chat[0]?.content ?? '') ? 1 : 1e6)),
    write: async (_, { onText }) => {
      for (const piece of draft.match(/[\s\S]{1,7}/g) ?? []) onText(piece);
      return {
        text: draft,
        promptTokens: 1,
        newTokens: 1,
        stopped: 'end',
        timing: { read: 0, decode: 0, firstToken: 0 },
      };
    },
  };
}

function questions(): Question[] {
  return JSON.parse(readFileSync('test/bench/real/questions.json', 'utf8')) as Question[];
}

function linesOf(file: string): Line[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

async function open(model: string): Promise<EngineProcess> {
  const engine = new EngineProcess({
    file: join(process.cwd(), 'dist/inference.js'),
    log: () => {},
    changed: () => {},
  });
  await engine.choose({
    kind: 'chosen',
    directory: model,
    compiledDirectory: join(homedir(), '.cache/anchorage/models/compiled'),
    weights: '4bit',
    threads: 0,
  });
  if (!engine.writer()) throw new Error(engine.status.detail);
  return engine;
}

/** Indexes each folder once. */
async function eachQuestion<Q extends Question>(
  folders: string,
  list: readonly Q[],
  work: (workspace: Workspace, question: Q) => Promise<void>,
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'anchorage-bench-'));
  const threadScript = bundle('src/workspace/segments/thread.ts', join(scratch, 'segment-thread.js'));
  const opened = new Map<string, Workspace>();
  try {
    for (const question of list) {
      let workspace = opened.get(question.in);
      if (!workspace) {
        workspace = await Workspace.open({
          folders: [{ name: question.in, directory: join(folders, question.in) }],
          storageDirectory: join(scratch, question.in),
          settings: SETTINGS,
          threadScript,
          grammars: 'node_modules/@vscode/tree-sitter-wasm/wasm',
        });
        await workspace.start();
        opened.set(question.in, workspace);
      }
      await work(workspace, question);
    }
  } finally {
    for (const workspace of opened.values()) await workspace.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}
