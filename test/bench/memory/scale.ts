import { hashText } from '../../../src/library/documents/read';
import { composeContext, type ContextEngine } from '../../../src/assistant/compose/compose';
import { MemoryEncoding, type EncodingLibrary, type SegmentCoder } from '../../../src/library/memories/encoding';
import { Memories } from '../../../src/library/memories/memories';
import { MemoryStore } from '../../../src/library/memories/memory-store';
import { memoryVersion } from '../../../src/library/memories/units';
import type { Document, SegmentedDocument } from '../../../src/library/types';
import type { MemoryModel } from '../../../src/worker/memory-model';
import type { QuestionLook } from '../../../src/worker/memory-protocol';
import { median, round, stopwatch, table } from '../engine/measure';
import { marked } from './copies';
import { exponent } from './statistics';

const FIRST = 65_536;
const LINES = 50;
/** As the store takes them, and as the bundled tokenizer counts code. */
const BYTES_PER_TOKEN = 53;
const CHARACTERS_PER_TOKEN = 3.3;
const QUESTIONS = ['how is the store evicted', 'where are positions shared', 'what happens when the process is killed', 'which rows are folded', 'how are tokens counted'];

/**
 * A workspace that doubles from 64k tokens: what each token costs (encoding, store, all of it; processor time where there is one thread), what the store takes, what a warm
 * question takes. Lexical search is left out (it has a bench of its own).
 */
export async function scale(memory: MemoryModel, texts: readonly { path: string; text: string }[], most: number, directory: string, threads: number): Promise<void> {
  const workspace = new GrowingWorkspace(texts);
  const { fingerprint, ratios, storedRowBytes, heads, vocabSize, sinkRows, windowTokens } = memory.description;
  const coder: SegmentCoder = { version: memoryVersion(fingerprint), encode: (some, signal) => memory.encode(some, signal) };
  const store = await MemoryStore.open({ directory, budgetBytes: 4e9, version: coder.version });
  const encoding = new MemoryEncoding({ library: workspace, store, coder, warn: (message) => console.log(message) });
  const memories = new Memories({ encoding, store, ratios, bytesPerRow: storedRowBytes, heads, vocabSize });
  let sentId = '';
  const engine: ContextEngine = {
    windowTokens, sinkRows,
    look: async (question) => (await memory.vectors([question]))[0] as QuestionLook,
    compose: async (request) => {
      const { id, tokens } = request.coarse;
      const coarse = id === sentId ? { id, tokens } : request.coarse;
      sentId = id;
      return memory.compose({ ...request, coarse });
    },
  };
  const results: Record<string, string | number>[] = [];
  const points: [tokens: number, seconds: number][] = [];
  let seconds = 0;
  for (let target = FIRST; target <= most; target *= 2) {
    while (store.stats().tokens < target) {
      workspace.grow(Math.min(target - store.stats().tokens, 32_768) * 3);
      const time = stopwatch(threads);
      await encoding.run();
      seconds += time() / 1000;
    }
    const { tokens, bytes, segments } = store.stats();
    points.push([tokens, seconds]);
    const times: { retrieve: number; splice: number; read: number; first: number; rows: number }[] = [];
    // The first of each pair reads what the second finds in the cache.
    for (const question of QUESTIONS) {
      for (const warm of [false, true]) {
        const { timing, ledger } = await composeContext({ question, scope: { kind: 'workspace' }, maxNewTokens: 1 }, { library: workspace, memories, engine });
        if (warm) times.push({ retrieve: timing.retrieve, splice: timing.splice, read: timing.read, first: timing.firstToken, rows: ledger.groups.reduce((sum, group) => sum + group.rows, 0) });
      }
    }
    const middle = (pick: (time: (typeof times)[number]) => number): number => median(times.map(pick));
    results.push({
      tokens, segments, 'tokens/s so far': round(tokens / seconds), 'store MB per M': round(bytes / tokens), 'rows held': middle(({ rows }) => rows), 'rows %': round((100 * middle(({ rows }) => rows)) / tokens, 2),
      'retrieve ms': round(middle(({ retrieve }) => retrieve)), 'splice ms': round(middle(({ splice }) => splice)), 'read ms': round(middle(({ read }) => read)), 'first token ms': round(middle(({ first }) => first)), 'RSS MB': round(process.memoryUsage.rss() / 1e6),
    });
    table(`Whole-workspace memory, ${tokens.toLocaleString('en-US')} tokens`, results.slice(-1));
  }
  table('Whole-workspace memory by size', results);
  if (points.length > 1) console.log(`Exponent of cost over tokens (1: flat per token): ${exponent(points).toFixed(3)}; goal ≤ 1.05\n`);
  await encoding.close();
  await store.close();
  await evicting(memory, texts, points, `${directory}-small`, threads);
}

/** Into a store of half the size: what was used longest ago makes room, and a token costs what it did before. */
async function evicting(memory: MemoryModel, texts: readonly { path: string; text: string }[], before: readonly (readonly [tokens: number, seconds: number])[], directory: string, threads: number): Promise<void> {
  const workspace = new GrowingWorkspace(texts);
  let tokens = 0;
  const coder: SegmentCoder = {
    version: memoryVersion(memory.description.fingerprint),
    encode: async (some, signal) => {
      const made = await memory.encode(some, signal);
      tokens += made.reduce((sum, each) => sum + each.tokens, 0);
      return made;
    },
  };
  const budgetBytes = (FIRST * BYTES_PER_TOKEN) / 2;
  const store = await MemoryStore.open({ directory, budgetBytes, version: coder.version });
  const encoding = new MemoryEncoding({ library: workspace, store, coder, warn: (message) => console.log(message) });
  let seconds = 0;
  while (tokens < FIRST) {
    workspace.grow((FIRST / 8) * CHARACTERS_PER_TOKEN);
    const time = stopwatch(threads);
    await encoding.run();
    seconds += time() / 1000;
  }
  const { bytes, evictions } = store.stats();
  const [first] = before;
  console.log(`Evicting: ${evictions} segments left for newer ones, the store has ${round(bytes / 1e6, 2)} of at most ${round(budgetBytes / 1e6, 2)} MB; ${round(tokens / seconds, 0)} tokens/s${first ? `, without ${round(first[0] / first[1], 0)}` : ''}\n`);
  await encoding.close();
  await store.close();
}

/** Files made of real ones, each line marked so that no two segments have one text. */
class GrowingWorkspace implements EncodingLibrary {
  private readonly files = new Map<string, { document: Document; segmented: SegmentedDocument }>();
  private next = 0;

  constructor(private readonly texts: readonly { path: string; text: string }[]) {}

  grow(characters: number): void {
    for (let left = characters; left > 0; ) {
      const source = this.texts[this.next % this.texts.length] as { path: string; text: string };
      const round = Math.floor(this.next++ / this.texts.length);
      const path = `copy${round}/${source.path}`;
      const text = marked(source.text, round);
      left -= text.length;
      const lines = text.split(/(?<=\n)/);
      const segments = [];
      for (let from = 0, at = 0; from < lines.length; from += LINES) {
        const own = lines.slice(from, from + LINES).join('');
        segments.push({ startLine: from + 1, endLine: Math.min(lines.length, from + LINES), start: at, end: (at += own.length), kind: 'code' as const, symbols: [], breadcrumb: [] });
      }
      this.files.set(path, { document: { file: `/${path}`, path, language: 'typescript', text, hash: hashText(text) }, segmented: { segments, symbols: [], imports: [], method: 'length' } });
    }
  }

  *documents(): IterableIterator<{ path: string; file: string; hash: string; language: string; segments: number; mtimeMs: number }> {
    for (const [path, { document, segmented }] of this.files) yield { path, file: document.file, hash: document.hash, language: document.language, segments: segmented.segments.length, mtimeMs: 0 };
  }

  indexed(path: string): Promise<{ document: Document; segmented: SegmentedDocument } | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  search = (): Promise<{ spans: never[]; coverage: { filesIndexed: number; filesKnown: number; indexing: boolean } }> =>
    Promise.resolve({ spans: [], coverage: { filesIndexed: this.files.size, filesKnown: this.files.size, indexing: false } });
}
