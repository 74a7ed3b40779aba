import { messageOf } from '../base';
import { type ContextEngine, type MemoryReader, type MemorySegment, LateInteraction } from '../memory';
import type { Coverage, RankedSpan, Scope } from '../protocol';
import type { QueryEmbedding, TokenNeighbours } from '../protocol/memory';
import type { LexicalIndex, DocumentReader, QueryTerm, ReadDocument } from '../workspace';
import { spansOf } from './candidate-spans';
import { type Candidate, fuse, runScorers } from './fusion';
import { highest, segmentsAt } from './memory-candidates';
import { LexicalRanker } from './lexical/lexical-ranker';
import { type AnalysedQuestion, analyseQuestion } from './query/analysis';
import { isEnglish, PassageRanker } from './passages/passage-ranker';
import { withSimilarities } from './passages/judged-spans';
import { placePassages } from './passages/place-passages';
import { type SentenceEncoding, SentenceVectors } from './passages/sentence-vectors';
import { overlapsSelection, type PathFilter, type PathOf, pathFilter } from './scope';
import { type LateScores, type Scorer, SCORERS, type ScoringMemory } from './scorers';
import { Lister, type Listing } from './listing';
import { type RankedSite, type SiteForm, SiteRanker } from './sites';
import { SEARCH_WEIGHTS, type SearchWeights } from './weights';

/** The workspace operations that a search needs. */
export interface SearchWorkspace {
  readonly index: LexicalIndex;
  readonly reader: DocumentReader;
  /** Names of the project as a whole, in lower case. */
  readonly ownNames: readonly string[];
  pathOf: PathOf;
  coverage(): Coverage;
  /** Returns an indexed document with its segments. Undefined when the file has changed since. */
  indexed(path: string): Promise<ReadDocument | undefined>;
  /** Runs `read` on the index, and again after each damaged part was rebuilt. */
  withRepair?<T>(read: () => Promise<T>): Promise<T>;
  /** Resolves when reported changes and the likely files of a question are searchable, or after a short time. */
  caughtUp(question?: { terms: readonly QueryTerm[]; isAsked: (path: string) => boolean }): Promise<void>;
  /** Indexes files that reads found changed. Resolves to false when there were none. */
  refreshStale(): Promise<boolean>;
}

/** The workspace's memories and the model that embeds questions. */
export interface SearchMemory {
  readonly memories: MemoryReader;
  readonly engine: Pick<ContextEngine, 'embedQuery'>;
  /** Reads rows that a team has and this machine has not, and that the question may need. Never rejects. */
  open?(question: TokenNeighbours, sharpness: number, signal?: AbortSignal): Promise<number>;
}

export interface SearchOptions {
  workspace: SearchWorkspace;
  /** Called for each search, because memories come and go with the model. */
  memory?: () => SearchMemory | undefined;
  /** Returns the sentence encoder that ranks passages of prose, if one is loaded. */
  sentences?: () => SentenceEncoding | undefined;
  /** Returns the share (0…1) of segments that are encoded. Undefined without a model. */
  encodedShare?: () => number | undefined;
  scorers?: readonly Scorer[];
  weights?: SearchWeights;
}

export interface SearchRequest {
  scope: Scope;
  /** The previous question. Its words help, and lead only where the present question has almost none. */
  before?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface SearchResult {
  spans: readonly RankedSpan[];
  coverage: Coverage;
}

/** A search result, with the data for planning a context over the whole workspace. */
export interface Ranking extends SearchResult {
  memory?: RankedMemory;
  /** Error of the model or the memories that left this ranking to the lexical scorer alone. */
  trouble?: string;
}

export interface RankedMemory {
  /** All segments of the workspace with stored rows. */
  segments: readonly MemorySegment[];
  /** Fused score of each high-ranking segment, by key. */
  scores: ReadonlyMap<string, number>;
  /** Absent when the model did not embed the question in time. */
  embedding?: QueryEmbedding;
  /** Scores token passages against the question, for models with token vectors. */
  lateInteraction?: LateInteraction;
}

/**
 * The one ranking of the product. Answers, search requests, chat tools and the terminal use it, so they order spans
 * alike. A search never fails because of the model. When the question's embedding is late or fails, the lexical scorer
 * ranks alone, and the result's coverage has no `memories`.
 */
export class Search {
  readonly weights: SearchWeights;
  private readonly lexical: LexicalRanker;
  private readonly passages: PassageRanker;
  private readonly siteRanker: SiteRanker;
  private readonly sentences: SentenceVectors;
  private readonly scorers: readonly Scorer[];

  constructor(private readonly options: SearchOptions) {
    const { workspace, weights = SEARCH_WEIGHTS, scorers = SCORERS } = options;
    this.weights = weights;
    this.scorers = scorers;
    this.lexical = new LexicalRanker(workspace.index, workspace.reader, weights);
    this.passages = new PassageRanker(workspace.index, workspace.reader, weights);
    this.siteRanker = new SiteRanker(workspace.index, workspace.reader, weights);
    this.sentences = new SentenceVectors(() => options.sentences?.(), weights.limits.embeddingMs);
  }

  get ownNames(): readonly string[] {
    return this.options.workspace.ownNames;
  }

  /**
   * Finds at most `limit` spans. A greater limit appends spans and never reorders the first ones.
   * @throws the signal's reason when it aborts
   */
  async search(question: string, request: SearchRequest & { limit: number }): Promise<SearchResult> {
    const { limit } = request;
    const { spans, coverage } = await this.rank(question, request);
    if (limit <= spans.length || spans.length < this.weights.limits.spans)
      return { spans: spans.slice(0, limit), coverage };
    const isShown = (span: RankedSpan): boolean =>
      spans.some(
        ({ file, startLine, endLine }) => file === span.file && startLine <= span.endLine && span.startLine <= endLine,
      );
    const more = await this.words(this.analyse(question, request), request, limit);
    return { spans: [...spans, ...more.filter((span) => !isShown(span))].slice(0, limit), coverage };
  }

  /** Ranks a fixed number of best spans, and the segments with stored rows. Indexes changed files first. */
  async rank(question: string, request: SearchRequest): Promise<Ranking> {
    const { workspace } = this.options;
    const isAsked = pathFilter(request.scope, (file) => workspace.pathOf(file)) ?? (() => true);
    await workspace.caughtUp({ terms: this.analyse(question, request).terms, isAsked });
    const ranking = await this.rankOnce(question, request);
    return (await workspace.refreshStale()) ? this.rankOnce(question, request) : ranking;
  }

  /** Finds the lines that answer a question of one form by themselves, best first. May be none. */
  async sites(
    question: string,
    form: SiteForm,
    spans: readonly RankedSpan[],
    request: SearchRequest,
  ): Promise<RankedSite[]> {
    const { workspace } = this.options;
    const { scope, signal } = request;
    const analysed = this.analyse(question, request);
    const filter = pathFilter(scope, (file) => workspace.pathOf(file));
    const sentences = isEnglish(analysed) ? this.sentences : undefined;
    const rank = (): Promise<RankedSite[]> =>
      this.siteRanker.rank({ question: analysed, form, spans, filter, sentences, signal });
    const sites = await (workspace.withRepair?.(rank) ?? rank());
    return sites.filter((site) => overlapsSelection(scope, site));
  }

  /** Enumerates the things that a question asks all of. Undefined when none are found. */
  async listing(question: string, spans: readonly RankedSpan[], request: SearchRequest): Promise<Listing | undefined> {
    const { workspace } = this.options;
    const { scope, signal } = request;
    const filter = pathFilter(scope, (file) => workspace.pathOf(file));
    const analysed = this.analyse(question, request);
    const sentences = isEnglish(analysed) ? this.sentences : undefined;
    const { terms } = analysed;
    const lister = new Lister(workspace.index, (path) => workspace.indexed(path));
    const list = (): Promise<Listing | undefined> =>
      lister.list({ question, terms, ownNames: this.ownNames, spans, filter, sentences, signal });
    return workspace.withRepair?.(list) ?? list();
  }

  /** Searches by words alone, so that the first question of a session finds warm caches. */
  async warmUp(question: string): Promise<void> {
    const request: SearchRequest = { scope: { kind: 'workspace' } };
    await this.words(this.analyse(question, request), request, this.weights.limits.spans);
  }

  private async rankOnce(question: string, request: SearchRequest): Promise<Ranking> {
    const { workspace, encodedShare } = this.options;
    const memory = this.options.memory?.();
    const analysed = this.analyse(question, request);
    const [{ spans, passages }, embedded] = await Promise.all([
      this.wordsAndPassages(analysed, request),
      memory ? this.embed(question, request, memory) : undefined,
    ]);
    request.signal?.throwIfAborted();
    const found = await this.fuse(analysed, spans, request, memory, embedded?.embedding);
    const trouble = found.trouble ?? embedded?.trouble;
    const isLexical = memory !== undefined && (!embedded?.embedding || found.trouble !== undefined);
    const encoded = isLexical ? undefined : encodedShare?.();
    const placed = placePassages(found.spans, passages, {
      most: this.weights.limits.spans,
      shareOf: this.passages.shareOf(analysed),
      ahead: this.leadOf(analysed),
    });
    const most = encoded === 1 || !isEnglish(analysed) ? 0 : this.weights.limits.judged;
    return {
      spans: await withSimilarities(placed, question, this.sentences, { most, signal: request.signal }),
      coverage: { ...workspace.coverage(), ...(encoded === undefined ? {} : { memories: encoded }) },
      ...(found.memory ? { memory: found.memory } : {}),
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  /** How much more of the question a passage needs than code to come before it: less when people ask for advice. */
  private leadOf({ names, intent, text }: AnalysedQuestion): number {
    const { ahead, aheadForAdvice } = this.weights.passages;
    if (names.some(({ kind }) => kind === 'identifier')) return Infinity;
    return intent.docs || ADVICE.test(text) ? aheadForAdvice : ahead;
  }

  private spans(candidates: readonly Candidate[]): Promise<readonly RankedSpan[]> {
    return spansOf(candidates, this.options.workspace, this.weights.limits.spans);
  }

  private analyse(question: string, { before }: SearchRequest): AnalysedQuestion {
    return analyseQuestion(question, { ownNames: this.options.workspace.ownNames, before }, this.weights.terms);
  }

  /** One after the other: while one of them repairs a damaged index, the other would find documents missing. */
  private async wordsAndPassages(
    question: AnalysedQuestion,
    request: SearchRequest,
  ): Promise<{ spans: RankedSpan[]; passages: RankedSpan[] }> {
    const spans = await this.words(question, request, this.weights.limits.spans);
    return { spans, passages: await this.rankPassages(question, request) };
  }

  private async rankPassages(question: AnalysedQuestion, { scope, signal }: SearchRequest): Promise<RankedSpan[]> {
    const { workspace } = this.options;
    const filter = pathFilter(scope, (file) => workspace.pathOf(file));
    const rank = (): Promise<RankedSpan[]> =>
      this.passages.rank({ question, filter, sentences: this.sentences, signal });
    const passages = await (workspace.withRepair?.(rank) ?? rank());
    return passages.filter((passage) => overlapsSelection(scope, passage));
  }

  private words(question: AnalysedQuestion, request: SearchRequest, limit: number): Promise<RankedSpan[]> {
    const { scope, signal } = request;
    const { workspace } = this.options;
    const pathOf: PathOf = (file) => workspace.pathOf(file);
    const search = (): Promise<RankedSpan[]> => this.lexical.search(question, { scope, limit, signal, pathOf });
    return workspace.withRepair?.(search) ?? search();
  }

  /** Embeds the question. The wait is limited, because the model may be starting or busy. */
  private async embed(
    question: string,
    { before, signal }: SearchRequest,
    { engine }: SearchMemory,
  ): Promise<{ embedding?: QueryEmbedding; trouble?: string }> {
    const end = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.weights.limits.embeddingMs);
      signal?.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    const embedding = engine.embedQuery(before === undefined ? question : `${question} ${before}`, end.signal);
    try {
      const made = await Promise.race([embedding, late]);
      if (made) return { embedding: made };
      end.abort();
      return {};
    } catch (error) {
      return { trouble: messageOf(error) };
    } finally {
      clearTimeout(timer);
      embedding.catch(() => undefined);
    }
  }

  /**
   * Segments of the spans found by words, those with most of the question's words, and those with the nearest passages.
   * Late interaction reads every token, so it scores these alone. A small workspace is scored whole.
   */
  private mayRankHigh(
    { terms }: AnalysedQuestion,
    segments: readonly MemorySegment[],
    found: { spans: readonly RankedSpan[]; similarities: Float32Array | undefined; filter: PathFilter | undefined },
  ): readonly MemorySegment[] {
    const { fields, limits } = this.weights;
    const { spans, similarities, filter } = found;
    if (segments.length <= limits.lateSegments) return segments;
    const { segments: hits } = this.options.workspace.index.search(terms, {
      ...fields,
      ...(filter ? { filter } : {}),
      limit: 0,
      segmentsPerDocument: 0,
      bestSegments: { limit: limits.lateSegments },
    });
    const places = hits.map(({ path, startLine }) => ({ path, startLine, endLine: startLine }));
    const near = similarities ? highest(segments.length, (i) => similarities[i], limits.addedSegments) : [];
    const indices = new Set([...segmentsAt(segments, [...spans, ...places]), ...near]);
    return [...indices].sort((a, b) => a - b).map((index) => segments[index] as MemorySegment);
  }

  private async fuse(
    question: AnalysedQuestion,
    spans: readonly RankedSpan[],
    { scope, signal }: SearchRequest,
    memory: SearchMemory | undefined,
    embedding: QueryEmbedding | undefined,
  ): Promise<{ spans: readonly RankedSpan[]; memory?: RankedMemory; trouble?: string }> {
    const { weights, scorers } = this;
    const wordsOnly = { question, spans, segments: [], weights };
    if (!memory) return { spans: await this.spans(fuse(wordsOnly, await runScorers(scorers, wordsOnly), weights)) };
    try {
      if (embedding?.late) await memory.open?.(embedding.late, weights.lateInteraction.sharpness, signal);
      const segments = memory.memories.segments();
      const filter = pathFilter(scope, (file) => this.options.workspace.pathOf(file));
      const inScope = filter
        ? segments.filter((segment) => filter(segment.path) && overlapsSelection(scope, segment))
        : segments;
      const lateInteraction =
        embedding?.late && new LateInteraction(embedding.late, memory.memories.vocabSize, weights.lateInteraction);
      const input = {
        ...wordsOnly,
        segments: inScope,
        ...(embedding
          ? {
              memory: scoringMemory(memory.memories, { embedding, lateInteraction }, inScope, (similarities) =>
                this.mayRankHigh(question, inScope, { spans, similarities, filter }),
              ),
            }
          : {}),
      };
      const isPartial = (this.options.encodedShare?.() ?? 1) < weights.limits.encodedEnough;
      const candidates = fuse(input, await runScorers(scorers, input), weights, isPartial);
      const scores = new Map<string, number>();
      for (const { segmentScores } of candidates)
        for (const [key, score] of segmentScores) scores.set(key, Math.max(scores.get(key) ?? 0, score));
      return {
        spans: await this.spans(candidates),
        memory: {
          segments,
          scores,
          ...(embedding ? { embedding } : {}),
          ...(lateInteraction ? { lateInteraction } : {}),
        },
      };
    } catch (error) {
      signal?.throwIfAborted();
      const candidates = fuse(wordsOnly, await runScorers(scorers, wordsOnly), weights);
      return { spans: await this.spans(candidates), trouble: messageOf(error) };
    }
  }
}

/**
 * Builds the memory input of the scorers. Scores are computed when the first scorer requests them, once for all.
 * @param mayRankHigh chooses the segments that late interaction scores, from the similarities of all
 */
function scoringMemory(
  memories: MemoryReader,
  { embedding, lateInteraction }: { embedding: QueryEmbedding; lateInteraction: LateInteraction | undefined },
  segments: readonly MemorySegment[],
  mayRankHigh: (similarities: Float32Array | undefined) => readonly MemorySegment[],
): ScoringMemory {
  const { sentence } = embedding;
  const similarities = once(async () => sentence && memories.nearestPassages(segments, sentence));
  return {
    embedding,
    similarities,
    lateScores: once(async (): Promise<LateScores | undefined> => {
      if (!lateInteraction) return undefined;
      const chosen = mayRankHigh(await similarities());
      const scored = await memories.late(chosen, lateInteraction);
      return { segments: chosen, scores: new Map(scored.map(({ segment, score }) => [segment.key, score])) };
    }),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

const ADVICE = /\b(?:should|may|must|allowed|recommended|prefer(?:red)?|do i|can i)\b/i;
