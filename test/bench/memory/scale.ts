import { sha256 } from '../../../src/base/node';
import { composeContext } from '../../../src/assistant/context';
import type { SearchWorkspace } from '../../../src/search';
import { LexicalIndex } from '../../../src/workspace';
import {
  MemoryEncoding,
  type EncodingWorkspace,
  type SegmentCoder,
  MemoryReader,
  MemoryStore,
  memoryVersion,
} from '../../../src/memory';
import type { Document, SegmentedDocument } from '../../../src/workspace/types';
import type { MemoryModel } from '../../../src/inference/memory-model';
import { median, round, stopwatch, table } from '../engine/measure';
import { marked } from './copies';
import { engineOf, searchOver } from './indexed';
import { exponent } from './statistics';

const FIRST = 65_536;
const LINES = 50;
/** Bytes per token in the store. */
const BYTES_PER_TOKEN = 54;
/** Share of the largest workspace that fits into the store. */
const ROOM = 0.75;
const QUESTIONS = [
  'how is the store evicted',
  'where are positions shared',
  'what happens when the process is killed',
  'which rows are folded',
  'how are tokens counted',
];

/**
 * Doubles a workspace from 64k tokens. Measures the cost of each token (encoding, store, questions; CPU time for
 * single-threaded work), the size of the store, and the time of a warm question. The store is smaller than the largest
 * workspace, so the end of encoding evicts the least recently used records. Lexical search is excluded, because it has
 * its own bench.
 */
export async function scale(
  memory: MemoryModel,
  texts: readonly { path: string; text: string }[],
  most: number,
  directory: string,
  threads: number,
): Promise<void> {
  const workspace = new GrowingWorkspace(texts);
  const { fingerprint, ratios, storedRowBytes, vocabSize } = memory.description;
  let tokens = 0;
  const coder: SegmentCoder = {
    version: memoryVersion(fingerprint),
    encode: async (some, signal) => {
      const made = await memory.encode(some, signal);
      tokens += made.reduce((sum, each) => sum + each.tokens, 0);
      return made;
    },
  };
  const store = await MemoryStore.open({
    directory,
    budgetBytes: ROOM * most * BYTES_PER_TOKEN,
    version: coder.version,
  });
  const encoding = new MemoryEncoding({ workspace: workspace, store, coder, warn: (message) => console.log(message) });
  const memories = new MemoryReader({ encoding, store, ratios, bytesPerRow: storedRowBytes, vocabSize });
  const engine = engineOf(memory);
  const search = searchOver(workspace, { memories, engine });
  const results: Record<string, string | number>[] = [];
  const points: [tokens: number, seconds: number][] = [];
  let seconds = 0;
  for (let target = FIRST; target <= most; target *= 2) {
    while (tokens < target) {
      workspace.grow(Math.min(target - tokens, 32_768) * 3);
      const time = stopwatch(threads);
      await encoding.run();
      seconds += time() / 1000;
    }
    const asking = stopwatch(threads);
    const times: { retrieve: number; splice: number; read: number; first: number; rows: number }[] = [];
    // The first question of each pair loads the cache for the second.
    for (const question of QUESTIONS) {
      for (const warm of [false, true]) {
        const { timing, ledger } = await composeContext(
          { question, scope: { kind: 'workspace' }, maxNewTokens: 1 },
          { search, memory: { memories, engine, indexed: (path) => workspace.indexed(path) } },
        );
        if (warm)
          times.push({
            retrieve: timing.retrieve,
            splice: timing.splice,
            read: timing.read,
            first: timing.firstToken,
            rows: ledger.groups.reduce((sum, group) => sum + group.rows, 0),
          });
      }
    }
    seconds += asking() / 1000;
    points.push([tokens, seconds]);
    const { tokens: remembered, bytes, segments, evictions } = store.stats();
    const middle = (pick: (time: (typeof times)[number]) => number): number => median(times.map(pick));
    results.push({
      tokens,
      'tokens/s so far': round(tokens / seconds),
      remembered,
      segments,
      evicted: evictions,
      'store MB': round(bytes / 1e6),
      'store MB per M': round(bytes / remembered),
      'rows held': middle(({ rows }) => rows),
      'rows %': round((100 * middle(({ rows }) => rows)) / remembered, 2),
      'retrieve ms': round(middle(({ retrieve }) => retrieve)),
      'splice ms': round(middle(({ splice }) => splice)),
      'read ms': round(middle(({ read }) => read)),
      'first token ms': round(middle(({ first }) => first)),
      'RSS MB': round(process.memoryUsage.rss() / 1e6),
    });
    table(`Whole-workspace memory, ${tokens.toLocaleString('en-US')} tokens`, results.slice(-1));
  }
  table('Whole-workspace memory by size', results);
  if (points.length > 1)
    console.log(`Exponent of cost over tokens (1: flat per token): ${exponent(points).toFixed(3)}; goal ≤ 1.05\n`);
  await encoding.close();
  await store.close();
}

/** Copies of real files, with every line marked so that each segment's text is unique. */
class GrowingWorkspace implements EncodingWorkspace, SearchWorkspace {
  private readonly files = new Map<string, { document: Document; segmented: SegmentedDocument }>();
  private next = 0;

  constructor(private readonly texts: readonly { path: string; text: string }[]) {}

  grow(characters: number): void {
    for (let left = characters; left > 0;) {
      const source = this.texts[this.next % this.texts.length] as { path: string; text: string };
      const round = Math.floor(this.next++ / this.texts.length);
      const path = `copy${round}/${source.path}`;
      const text = marked(source.text, round);
      left -= text.length;
      const lines = text.split(/(?<=\n)/);
      const segments = [];
      for (let from = 0, at = 0; from < lines.length; from += LINES) {
        const own = lines.slice(from, from + LINES).join('');
        segments.push({
          startLine: from + 1,
          endLine: Math.min(lines.length, from + LINES),
          start: at,
          end: (at += own.length),
          kind: 'code' as const,
          symbols: [],
          breadcrumb: [],
        });
      }
      this.files.set(path, {
        document: { file: `/${path}`, path, language: 'typescript', text, hash: sha256(text) },
        segmented: { segments, symbols: [], imports: [], method: 'length' },
      });
    }
  }

  *documents(): IterableIterator<{
    path: string;
    file: string;
    hash: string;
    language: string;
    segments: number;
    mtimeMs: number;
  }> {
    for (const [path, { document, segmented }] of this.files)
      yield {
        path,
        file: document.file,
        hash: document.hash,
        language: document.language,
        segments: segmented.segments.length,
        mtimeMs: 0,
      };
  }

  indexed(path: string): Promise<{ document: Document; segmented: SegmentedDocument } | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  // ── Workspace interface of the product's search, without a lexical index ──────────────────────────────────────────

  readonly index = LexicalIndex.inMemory();
  readonly ownNames: readonly string[] = [];
  readonly reader = { read: (path: string) => this.files.get(path) };

  pathOf(file: string): string {
    return file;
  }

  coverage(): { filesIndexed: number; filesKnown: number; indexing: boolean } {
    return { filesIndexed: this.files.size, filesKnown: this.files.size, indexing: false };
  }

  caughtUp(): Promise<void> {
    return Promise.resolve();
  }

  refreshStale(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
