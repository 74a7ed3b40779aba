/**
 * A workspace for the memory benches: documents in memory, with the product's own lexical ranker, store and encoder.
 */
import { mkdirSync } from 'node:fs';
import type { AssistantLibrary, Definition } from '../../../src/assistant/library';
import { LexicalIndex } from '../../../src/workspace/lexical/lexical-index';
import {
  MemoryEncoding,
  type EncodingWorkspace,
  type SegmentCoder,
  MemoryReader,
  MemoryStore,
  memoryVersion,
  type ContextEngine,
} from '../../../src/memory';
import type { Segmenter } from '../../../src/workspace/segments/segmenter';
import type { Document, SegmentedDocument } from '../../../src/workspace/types';
import type { RankedSpan } from '../../../src/protocol';
import {
  type RankedMemory,
  Search,
  SEARCH_WEIGHTS,
  type SearchMemory,
  type SearchWorkspace,
} from '../../../src/search';
import type { MemoryModel } from '../../../src/inference/memory-model';
import { alteredStore, type MemoryArm } from './arms';

type Both = { document: Document; segmented: SegmentedDocument };

export class IndexedWorkspace implements EncodingWorkspace, SearchWorkspace {
  private constructor(
    private readonly files: ReadonlyMap<string, Both>,
    readonly index: LexicalIndex,
  ) {}

  static async open(documents: Iterable<Document>, segmenter: Segmenter): Promise<IndexedWorkspace> {
    const index = LexicalIndex.inMemory();
    const files = new Map<string, Both>();
    for (const document of documents) {
      const segmented = await segmenter.segment(document);
      index.add(document.path, document, segmented);
      files.set(document.path, { document, segmented });
    }
    return new IndexedWorkspace(files, index);
  }

  *documents(): IterableIterator<{
    path: string;
    file: string;
    hash: string;
    language: string;
    segments: number;
    mtimeMs: number;
  }> {
    for (const [
      path,
      {
        document: { file, hash, language },
        segmented,
      },
    ] of this.files)
      yield { path, file, hash, language, segments: segmented.segments.length, mtimeMs: 0 };
  }

  indexed(path: string): Promise<Both | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  definitions(name: string): Definition[] {
    const found: Definition[] = [];
    for (const {
      document: { file, path, language },
      segmented,
    } of this.files.values())
      for (const symbol of segmented.symbols) if (symbol.name === name) found.push({ file, path, language, symbol });
    return found;
  }

  // ── Workspace interface of the product's search ───────────────────────────────────────────────────────────────────

  readonly ownNames: readonly string[] = [];

  get reader(): { read: (docId: string) => Both | undefined } {
    return { read: (docId) => this.files.get(docId) };
  }

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

/**
 * The workspace interface of the product's answers. Files have no names except their paths, and uses of names are not
 * found.
 */
export function answering(workspace: IndexedWorkspace): AssistantLibrary {
  const both = async (file: string): Promise<Both> => {
    const found = await workspace.indexed(file.slice(1));
    if (!found) throw new Error(`${file} is not in the workspace`);
    return found;
  };
  return {
    ownNames: [],
    read: async (file) => (await both(file)).document,
    segmentsOf: async ({ file }) => (await both(file)).segmented,
    definitions: (name) => Promise.resolve(workspace.definitions(name)),
    users: () => Promise.resolve({ users: [], more: 0 }),
  };
}

/** The product's search over a workspace, with memories if given. A bench waits for the model without a limit. */
export function searchOver(workspace: SearchWorkspace, memory?: SearchMemory): Search {
  const limits = { ...SEARCH_WEIGHTS.limits, embeddingMs: 600_000 };
  return new Search({ workspace, memory: () => memory, weights: { ...SEARCH_WEIGHTS, limits } });
}

/** A search by memories alone, without the lexical scorer. */
export function withoutWords(workspace: IndexedWorkspace, memory: SearchMemory): Pick<Search, 'rank'> {
  const nothing = LexicalIndex.inMemory();
  const search = searchOver(
    {
      index: nothing,
      reader: workspace.reader,
      ownNames: [],
      pathOf: (file) => file,
      coverage: () => workspace.coverage(),
      indexed: (path) => workspace.indexed(path),
      caughtUp: () => workspace.caughtUp(),
      refreshStale: () => workspace.refreshStale(),
    },
    memory,
  );
  return {
    rank: async (question, request) => {
      const ranking = await search.rank(question, request);
      const { segments, scores } = ranking.memory as RankedMemory;
      const best = segments
        .filter(({ key }) => scores.has(key))
        .sort((a, b) => (scores.get(b.key) as number) - (scores.get(a.key) as number))
        .slice(0, SEARCH_WEIGHTS.limits.spans);
      const spans: RankedSpan[] = [];
      for (const { key, file, path, startLine, endLine, start, end } of best) {
        const { document } = (await workspace.indexed(path)) as Both;
        const text = document.text.slice(start, end);
        const place = { file, path, startLine, endLine, text, language: document.language };
        spans.push({ ...place, score: scores.get(key) as number, breadcrumb: [], reasons: [] });
      }
      return { ...ranking, spans };
    },
  };
}

export interface Encoded {
  memories: MemoryReader;
  /** The same workspace with altered or no memories (arms.ts). */
  altered: (arm: MemoryArm) => MemoryReader;
  store: MemoryStore;
  /** Seconds that encoding of missing segments took, and tokens of all segments. */
  seconds: number;
  tokens: number;
  close: () => Promise<void>;
}

/** Encodes a workspace into a store in `directory`, or reuses the segments stored there. */
export async function encodeAll(
  workspace: EncodingWorkspace,
  memory: MemoryModel,
  directory: string,
  budgetBytes = 4e9,
): Promise<Encoded> {
  mkdirSync(directory, { recursive: true });
  const { fingerprint, ratios, storedRowBytes, vocabSize } = memory.description;
  const coder: SegmentCoder = {
    version: memoryVersion(fingerprint),
    encode: (texts, signal) => memory.encode(texts, signal),
  };
  const store = await MemoryStore.open({ directory, budgetBytes, version: coder.version });
  const encoding = new MemoryEncoding({ workspace, store, coder, warn: (message) => console.log(message) });
  const started = performance.now();
  await encoding.run();
  const seconds = (performance.now() - started) / 1000;
  const own = { encoding, ratios, bytesPerRow: storedRowBytes, vocabSize };
  const memories = new MemoryReader({ ...own, store });
  const altered = (arm: MemoryArm): MemoryReader =>
    arm === 'as they are'
      ? memories
      : new MemoryReader({ ...own, store: alteredStore(store, memories.segments(), arm) });
  const close = async (): Promise<void> => {
    await encoding.close();
    await store.close();
  };
  return { memories, altered, store, seconds, tokens: store.stats().tokens, close };
}

/** Runs the model in this process. Like the inference process, it does not receive known coarse rows again. */
export function engineOf(memory: MemoryModel): ContextEngine {
  const { sinkRows, windowTokens, dense } = memory.description;
  let sent = '';
  return {
    windowTokens,
    sinkRows,
    ...(dense ? { dense } : {}),
    embedQuery: (question) => memory.embed(question),
    compose: async ({ coarse, ...request }, options) => {
      const { id, tokens } = coarse;
      const held = id === sent;
      sent = id;
      return memory.compose(
        { ...request, coarse: held ? { id, tokens } : coarse },
        { signal: options?.signal, onRead: options?.onRead },
      );
    },
  };
}
