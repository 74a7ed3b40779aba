/**
 * Ranks passages of prose for a question. The index gives the best segments of prose. Their passages are scored by the
 * question's words, and the best of them by a sentence encoder too. Sections and documents count as context.
 */
import * as l10n from '@vscode/l10n';
import { throwIfCancelled } from '../../base';
import type { RankedSpan, RankReason } from '../../protocol';
import {
  type LexicalIndex,
  type DocumentReader,
  passagesOf,
  pathKind,
  type ProsePassage,
  type ReadDocument,
  unitsOf,
} from '../../workspace';
import { Matcher } from '../lexical/matcher';
import type { AnalysedQuestion } from '../query/analysis';
import { asksForValue, givesNumber } from '../query/values';
import type { PassageWeights, SearchWeights } from '../weights';
import { passageKey, type SentenceVectors } from './sentence-vectors';

export interface PassageRequest {
  question: AnalysedQuestion;
  filter?: ((path: string) => boolean) | undefined;
  sentences?: SentenceVectors | undefined;
  signal?: AbortSignal | undefined;
}

interface Candidate {
  read: ReadDocument;
  passage: ProsePassage;
  text: string;
  /** Share (0…1) of the question's weight, with the context's part. */
  words: number;
  similarity?: number;
  /** Cosine of each unit of the text with the question. */
  units?: readonly number[];
  score: number;
}

export class PassageRanker {
  constructor(
    private readonly index: LexicalIndex,
    private readonly reader: DocumentReader,
    private readonly weights: SearchWeights,
  ) {}

  /** Share (0…1) of the question's weight in a span of code, on the scale of the passages' words. */
  shareOf(question: AnalysedQuestion): (span: RankedSpan) => number {
    const { fields, passages: settings } = this.weights;
    const { segmentIdf } = this.index.search(question.terms, { ...fields, limit: 0, segmentsPerDocument: 0 });
    const termWeights = question.terms.map(({ weight }, i) => weight * (segmentIdf[i] ?? 0));
    const total = termWeights.reduce((a, b) => a + b, 0) || 1;
    const scorer = new PassageScorer(question, termWeights, total, settings);
    return ({ path, text, breadcrumb }) =>
      scorer.score({ path, text }, { start: 0, end: text.length, titles: breadcrumb });
  }

  /** The best passages, best first. */
  async rank(request: PassageRequest): Promise<RankedSpan[]> {
    const { passages: settings } = this.weights;
    const found = await this.candidates(request);
    found.sort((a, b) => b.words - a.words || byPlace(a, b));
    const leading = found.slice(0, settings.encoded);
    const isEncoded = await this.addSimilarities(leading, request);
    const similarity = isEnglish(request.question) ? settings.similarity : settings.foreignSimilarity;
    const best = Math.max(...leading.map(({ words }) => words)) || 1;
    for (const candidate of leading)
      candidate.score = candidate.words / best + (isEncoded ? similarity * Math.max(0, candidate.similarity ?? 0) : 0);
    leading.sort((a, b) => b.score - a.score || byPlace(a, b));
    if (isEncoded) await this.addUnits(leading.slice(0, settings.cutIntoUnits), request, similarity);
    return leading
      .sort((a, b) => b.score - a.score || byPlace(a, b))
      .slice(0, settings.returned)
      .map((candidate) => spanOf(candidate, settings));
  }

  private async candidates({ question, filter, signal }: PassageRequest): Promise<Candidate[]> {
    const { fields, passages: settings } = this.weights;
    const { segments, segmentIdf } = this.index.search(question.terms, {
      ...fields,
      ...(filter ? { filter } : {}),
      limit: 0,
      segmentsPerDocument: 0,
      bestSegments: { kind: 'prose', limit: settings.segments },
    });
    const termWeights = question.terms.map(({ weight }, i) => weight * (segmentIdf[i] ?? 0));
    const total = termWeights.reduce((a, b) => a + b, 0) || 1;
    const scorer = new PassageScorer(question, termWeights, total, settings);
    const candidates = new Map<string, Candidate>();
    const bestDocument = Math.max(...segments.map(({ documentScore }) => documentScore), 0) || 1;
    for (const { docId, ordinal, score, documentScore } of segments) {
      const read = await this.reader.read(docId);
      throwIfCancelled(signal);
      const segment = read?.segmented.segments[ordinal];
      if (!read || !segment) continue;
      const context = (settings.segment * score) / total + (settings.document * documentScore) / bestDocument;
      for (const [i, passage] of passagesOf(read).entries()) {
        const key = `${docId} ${i}`;
        const isWithin = passage.startLine <= segment.endLine && segment.startLine <= passage.endLine;
        if (candidates.has(key) || !isWithin) continue;
        const text = read.document.text.slice(passage.start, passage.end);
        const words = scorer.score(read.document, passage) + context;
        candidates.set(key, { read, passage, text, words, score: 0 });
      }
    }
    return [...candidates.values()];
  }

  /** Adds similarities with the question. Resolves to false when there is no encoder. */
  private async addSimilarities(
    candidates: readonly Candidate[],
    { question, sentences, signal }: PassageRequest,
  ): Promise<boolean> {
    if (!sentences || candidates.length === 0) return false;
    const texts = candidates.map(({ passage, text }) => passageKey(passage.titles, text));
    const similarities = await sentences.similarities(question.text, texts, signal);
    if (!similarities) return false;
    candidates.forEach((candidate, i) => (candidate.similarity = similarities[i] as number));
    return true;
  }

  /** Compares the sentences of the best passages too: a passage may answer in one of many. */
  private async addUnits(
    candidates: readonly Candidate[],
    { question, sentences, signal }: PassageRequest,
    weight: number,
  ): Promise<void> {
    const { unit, value } = this.weights.passages;
    const texts = candidates.map(({ text }) => unitsOf(text).map(({ start, end }) => text.slice(start, end)));
    const similarities = await sentences?.similarities(question.text, texts.flat(), signal);
    if (!similarities) return;
    const asksValue = asksForValue(question.text.toLowerCase());
    let at = 0;
    for (const [i, candidate] of candidates.entries()) {
      const own = texts[i] as string[];
      const near = (candidate.units = similarities.slice(at, (at += own.length)));
      const givingValue = asksValue ? near.filter((_, n) => givesNumber(own[n] as string)) : [];
      candidate.score += weight * (unit * Math.max(0, ...near) + value * Math.max(0, ...givingValue));
    }
  }
}

/** Titles of the sections of a change log. */
const HISTORY =
  /^(?:[\dA-Z.]+\s+)?(?:version\s+|release\s+|v)?\d+\.\d[\w.-]*(?:\s*[/(:–—-].*)?$|\b(?:change ?log|release notes|what'?s new|upgrading|unreleased)\b/i;

/** The encoder has learnt English; it hardly tells passages of other languages apart. */
function isEnglish({ language, text }: AnalysedQuestion): boolean {
  return language === 'en' && (text.match(/[^\p{Script=Latin}\P{L}]/gu)?.length ?? 0) < text.length / 4;
}

const byPlace = ({ read: a, passage: own }: Candidate, { read: b, passage: other }: Candidate): number =>
  a.document.path === b.document.path ? own.start - other.start : a.document.path < b.document.path ? -1 : 1;

/** BM25 of passages. Titles count as occurrences, less the further out they are. */
class PassageScorer {
  private readonly matcher: Matcher;

  constructor(
    private readonly question: AnalysedQuestion,
    private readonly termWeights: readonly number[],
    private readonly total: number,
    private readonly settings: PassageWeights,
  ) {
    this.matcher = new Matcher(question.terms, question.language);
  }

  score(
    document: { path: string; text: string },
    { start, end, titles }: Pick<ProsePassage, 'start' | 'end' | 'titles'>,
  ): number {
    const { settings, question } = this;
    const frequency = new Float64Array(this.termWeights.length);
    const found = this.matcher.find(document.text, start, end, 1);
    found.bits.forEach((bit, i) => {
      frequency[bit] = (frequency[bit] as number) + (found.weights[i] as number);
    });
    const tokens = found.lengths.reduce((a, b) => a + b, 0);
    const addTitle = (title: string, weight: number): void => {
      const seen = new Set<number>();
      for (const bit of this.matcher.find(title, 0, title.length, 1).bits) {
        if (seen.has(bit)) continue;
        seen.add(bit);
        frequency[bit] = (frequency[bit] as number) + weight;
      }
    };
    const isHistory = question.intent.history
      ? false
      : HISTORY.test(titles.at(-1) ?? '') || pathKind(document.path).history;
    titles.forEach((title, i) => addTitle(title, i === titles.length - 1 ? settings.title : settings.ancestor));
    addTitle(document.path, settings.path);
    const norm = settings.k1 * (1 - settings.b + (settings.b * tokens) / settings.averageTokens);
    let score = 0;
    frequency.forEach((f, bit) => (score += ((this.termWeights[bit] as number) * f) / (f + norm)));
    return score / this.total - (isHistory ? settings.history : 0);
  }
}

function spanOf(
  { read, passage, text, words, similarity, units, score }: Candidate,
  settings: PassageWeights,
): RankedSpan {
  const { document } = read;
  const reasons: RankReason[] = [{ kind: 'body', text: l10n.t('words of the passage'), weight: words }];
  if (similarity !== undefined)
    reasons.push({
      kind: 'vector',
      text: l10n.t('similar passage'),
      weight: settings.similarity * Math.max(0, similarity),
    });
  return {
    file: document.file,
    path: document.path,
    startLine: passage.startLine,
    endLine: passage.endLine,
    score,
    breadcrumb: passage.titles,
    reasons,
    text,
    language: document.language,
    kind: 'prose',
    ...(similarity === undefined ? {} : { similarity }),
    ...(units === undefined ? {} : { units }),
  };
}
