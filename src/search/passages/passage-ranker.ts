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
  type ProsePassage,
  type ReadDocument,
  unitsOf,
} from '../../workspace';
import type { AnalysedQuestion } from '../query/analysis';
import { asksForValue, givesAsked, givesNumber } from '../query/values';
import type { PassageWeights, SearchWeights } from '../weights';
import { PassageScorer } from './passage-scorer';
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
  /** Scorers of questions whose passages were ranked. */
  private readonly scorers = new WeakMap<AnalysedQuestion, PassageScorer>();

  constructor(
    private readonly index: LexicalIndex,
    private readonly reader: DocumentReader,
    private readonly weights: SearchWeights,
  ) {}

  /** Share (0…1) of the question's weight in a span of code, on the scale of the passages' words. */
  shareOf(question: AnalysedQuestion): (span: RankedSpan) => number {
    let scorer: PassageScorer | undefined;
    return ({ path, text, breadcrumb }) =>
      (scorer ??= this.scorerFor(question)).score({ path, text }, { start: 0, end: text.length, titles: breadcrumb });
  }

  private scorerFor(question: AnalysedQuestion): PassageScorer {
    const known = this.scorers.get(question);
    if (known) return known;
    const { fields, passages: settings } = this.weights;
    const { segmentIdf } = this.index.search(question.terms, { ...fields, limit: 0, segmentsPerDocument: 0 });
    const termWeights = question.terms.map(({ weight }, i) => weight * (segmentIdf[i] ?? 0));
    const total = termWeights.reduce((a, b) => a + b, 0) || 1;
    return new PassageScorer(question, termWeights, total, settings);
  }

  /** The best passages, best first. */
  async rank(request: PassageRequest): Promise<RankedSpan[]> {
    const { passages: settings } = this.weights;
    const { found, scorer } = await this.candidates(request);
    found.sort((a, b) => b.words - a.words || byPlace(a, b));
    const leading = distinct(found).slice(0, settings.encoded);
    const isEncoded = isEnglish(request.question) && (await this.addSimilarities(leading, request));
    const best = Math.max(...leading.map(({ words }) => words)) || 1;
    for (const candidate of leading)
      candidate.score = candidate.words / best + settings.similarity * Math.max(0, candidate.similarity ?? 0);
    leading.sort((a, b) => b.score - a.score || byPlace(a, b));
    const cut = leading.slice(0, settings.cutIntoUnits);
    const isCut = isEncoded && (await this.addUnits(cut, request));
    if (!isCut && asksForValue(request.question.text.toLowerCase()))
      this.addValues(cut, request.question, scorer, best);
    return leading
      .sort((a, b) => b.score - a.score || byPlace(a, b))
      .slice(0, settings.returned)
      .map((candidate) => spanOf(candidate, settings));
  }

  private async candidates({
    question,
    filter,
    signal,
  }: PassageRequest): Promise<{ found: Candidate[]; scorer: PassageScorer }> {
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
    this.scorers.set(question, scorer);
    const candidates = new Map<string, Candidate>();
    const bestDocument = Math.max(...segments.map(({ documentScore }) => documentScore), 0) || 1;
    for (const { docId, ordinal, score, documentScore } of segments) {
      const read = await this.reader.read(docId);
      throwIfCancelled(signal);
      const segment = read?.segmented.segments[ordinal];
      if (!read || !segment) continue;
      const context = (settings.segment * score) / total + (settings.document * documentScore) / bestDocument;
      for (const [i, passage] of passagesOf(read).entries()) {
        const isWithin = passage.startLine <= segment.endLine && segment.startLine <= passage.endLine;
        if (!isWithin) continue;
        const key = `${docId} ${i}`;
        if (candidates.has(key)) continue;
        const text = read.document.text.slice(passage.start, passage.end);
        const words = scorer.score(read.document, passage) + context;
        candidates.set(key, { read, passage, text, words, score: 0 });
      }
    }
    return { found: [...candidates.values()], scorer };
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

  /** Compares the sentences of the best passages too: a passage may answer in one of many. Resolves as above. */
  private async addUnits(
    candidates: readonly Candidate[],
    { question, sentences, signal }: PassageRequest,
  ): Promise<boolean> {
    const { unit, value } = this.weights.passages;
    const texts = candidates.map(({ text }) => unitsOf(text).map(({ start, end }) => text.slice(start, end)));
    const similarities = await sentences?.similarities(question.text, texts.flat(), signal);
    if (!similarities) return false;
    let at = 0;
    for (const [i, candidate] of candidates.entries()) {
      const own = texts[i] as string[];
      candidate.units = similarities.slice(at, (at += own.length));
      candidate.score += nearest(question, own, candidate.units, { unit, value });
    }
    return true;
  }

  /** Where the encoder has no say, the words of a sentence with an asked value count. */
  private addValues(
    candidates: readonly Candidate[],
    question: AnalysedQuestion,
    scorer: PassageScorer,
    best: number,
  ): void {
    const gives = givesAsked(question.text.toLowerCase());
    for (const candidate of candidates) {
      const { read, passage, text } = candidate;
      const shares = unitsOf(text)
        .filter(({ start, end }) => gives(text.slice(start, end)))
        .map(({ start, end }) => ({ start: passage.start + start, end: passage.start + end, titles: passage.titles }))
        .map((place) => scorer.score(read.document, place) / best);
      candidate.score += this.weights.passages.valueWords * Math.max(0, ...shares);
    }
  }
}

/** Letters that tell a passage from others. */
const TELLING = 240;

/** Candidates without those that repeat an earlier one: pages often include the same text. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ text }) => {
    const said = text.replace(/[^\p{L}\p{N}]+/gu, ' ').slice(0, TELLING);
    return said.length < TELLING || seen.size < seen.add(said).size;
  });
}

/** Points for the nearest unit, and for the nearest one with a number when the question asks for a value. */
function nearest(
  { text }: AnalysedQuestion,
  units: readonly string[],
  near: readonly number[],
  { unit, value }: { unit: number; value: number },
): number {
  const giving = asksForValue(text.toLowerCase()) ? near.filter((_, i) => givesNumber(units[i] as string)) : [];
  return unit * Math.max(0, ...near) + value * Math.max(0, ...giving);
}

/** The encoder has learnt English; it hardly tells passages of other languages apart. */
export function isEnglish({ language, text }: AnalysedQuestion): boolean {
  return language === 'en' && (text.match(/[^\p{Script=Latin}\P{L}]/gu)?.length ?? 0) < text.length / 4;
}

const byPlace = ({ read: a, passage: own }: Candidate, { read: b, passage: other }: Candidate): number =>
  a.document.path === b.document.path ? own.start - other.start : a.document.path < b.document.path ? -1 : 1;

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
