/** Asks questions about folders with a real model, as the product does. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../../../src/assistant/ask';
import { EngineProcess } from '../../../src/inference/engine-process';
import { PassageEncoder } from '../../../src/inference/passage-encoder';
import type { Answer, Writer, Written } from '../../../src/protocol';
import { Search, SEARCH_WEIGHTS } from '../../../src/search';
import { Workspace } from '../../../src/workspace/workspace';
import { bundle } from '../../workspace/files';
import { benchCache } from '../engine/measure';
import type { Question } from './lines';

const SETTINGS = { filesExclude: ['**/.git'], maxFileBytes: 2_000_000 };
/** A busy machine shall not leave questions to words alone. */
const PATIENT = { ...SEARCH_WEIGHTS, limits: { ...SEARCH_WEIGHTS.limits, embeddingMs: 60_000 } };
/** Reading speed that the answers are written for, so that a busy machine does not change them. */
const TOKENS_PER_SECOND = 375;

export type Asker = (question: string, writer?: Writer) => Promise<Answer>;

/** One thread loses less on a busy machine; 0: as many as the product takes. */
export async function openEngine(model: string, threads = 0): Promise<EngineProcess> {
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
    threads,
  });
  if (!engine.writer()) throw new Error(engine.status.detail);
  return engine;
}

/**
 * Indexes each folder once and keeps the index for the next run. Words and the sentence encoder rank; memories take no
 * part.
 */
export async function eachQuestion<Q extends Question>(
  folders: string,
  list: readonly Q[],
  work: (asked: Asker, question: Q) => Promise<void>,
): Promise<void> {
  const scratch = benchCache('real-index');
  const threadScript = bundle('src/workspace/segments/thread.ts', join(scratch, 'segment-thread.js'));
  const encoder = await PassageEncoder.open('dist/models/all-minilm-l6-v2', undefined);
  const opened = new Map<string, { workspace: Workspace; search: Search }>();
  try {
    for (const question of list) {
      let folder = opened.get(question.in);
      if (!folder) {
        const workspace = await Workspace.open({
          folders: [{ name: question.in, directory: join(folders, question.in) }],
          storageDirectory: join(scratch, question.in),
          settings: SETTINGS,
          threadScript,
          grammars: 'node_modules/@vscode/tree-sitter-wasm/wasm',
        });
        await workspace.start();
        folder = { workspace, search: new Search({ workspace, weights: PATIENT, sentences: () => encoder }) };
        opened.set(question.in, folder);
      }
      const { workspace, search } = folder;
      await work((asking, writer) => {
        const request = { id: 'bench', question: asking, scope: { kind: 'workspace' } } as const;
        return ask(request, { library: workspace, search, ...(writer ? { writer: async () => ({ writer }) } : {}) });
      }, question);
    }
  } finally {
    await encoder?.close();
    for (const { workspace } of opened.values()) await workspace.close();
  }
}

/** Keeps what was read and written, and reads for a machine of a fixed speed. */
export class Recording implements Writer {
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

  async readiness(_: Parameters<NonNullable<Writer['readiness']>>[0], quotes: readonly string[]) {
    return { held: quotes.map(() => false), tokensPerSecond: TOKENS_PER_SECOND };
  }

  write(chat: Parameters<Writer['write']>[0], options: Parameters<Writer['write']>[1]): Promise<Written> {
    this.units = options.quotes ?? [];
    const onText = (text: string): void => {
      this.draft += text;
      options.onText(text);
    };
    return this.writer.write(chat, { ...options, onText });
  }
}
