/**
 * Ranks sites: the lines of code and the sentences of prose that answer a question of one form by themselves. Words
 * choose the segments that are cut, and the sentence encoder compares the best sites with the question.
 */
import { splitLines, throwIfCancelled } from '../../base';
import type { RankedSpan } from '../../protocol';
import { type DocumentReader, type LexicalIndex, pathKind, splitIdentifier, unitsOf } from '../../workspace';
import { PassageScorer } from '../passages/passage-scorer';
import type { SentenceVectors } from '../passages/sentence-vectors';
import type { AnalysedQuestion } from '../query/analysis';
import { givesReason } from '../query/reasons';
import { asksQuantity, givesNumber } from '../query/values';
import type { SearchWeights } from '../weights';
import { cutSites, type SiteForm } from './cut-sites';

export interface RankedSite {
  file: string;
  path: string;
  /** 1-based and inclusive. */
  startLine: number;
  endLine: number;
  score: number;
  /** The span of prose that the site is a sentence of. */
  prose?: RankedSpan;
}

export interface SiteRequest {
  question: AnalysedQuestion;
  form: SiteForm;
  /** The ranked spans, whose sites take part. */
  spans: readonly RankedSpan[];
  filter?: ((path: string) => boolean) | undefined;
  sentences?: SentenceVectors | undefined;
  signal?: AbortSignal | undefined;
}

/** Sites that end alike in so many characters say the same. */
const ALIKE = 60;

interface Candidate extends RankedSite {
  /** The site as a sentence, for the encoder. */
  said: string;
  words: number;
  similarity?: number;
}

export class SiteRanker {
  constructor(
    private readonly index: LexicalIndex,
    private readonly reader: DocumentReader,
    private readonly weights: SearchWeights,
  ) {}

  /** The best sites, best first. */
  async rank(request: SiteRequest): Promise<RankedSite[]> {
    const { sites: settings } = this.weights;
    const candidates = [...(await this.inCode(request)), ...this.inProse(request)];
    candidates.sort((a, b) => b.words - a.words);
    const leading = candidates.slice(0, settings.encoded);
    const similarities = await request.sentences?.similarities(
      request.question.text,
      leading.map(({ said }) => said),
      request.signal,
    );
    leading.forEach((candidate, i) => {
      candidate.score = candidate.words + settings.similarity * Math.max(0, similarities?.[i] ?? 0);
    });
    const seen = new Set<string>();
    const isNew = ({ said }: Candidate): boolean => seen.size < seen.add(said.slice(-ALIKE)).size;
    return leading
      .filter(({ score }) => score >= (similarities ? settings.least : settings.leastWords))
      .sort((a, b) => b.score - a.score)
      .filter(isNew)
      .slice(0, settings.returned);
  }

  private async inCode({ question, form, filter, signal }: SiteRequest): Promise<Candidate[]> {
    const { fields, sites: settings } = this.weights;
    const { segments } = this.index.search(question.terms, {
      ...fields,
      ...(filter ? { filter } : {}),
      limit: 0,
      segmentsPerDocument: 0,
      bestSegments: { kind: 'code', limit: settings.segments },
    });
    const scorer = this.scorer(question);
    const found = new Map<string, Candidate>();
    const isQuantity = asksQuantity(question.text.toLowerCase());
    const linesOf = new Map<string, string[]>();
    for (const { docId, ordinal, path } of segments) {
      const penalty = this.penalty(path, question);
      if (penalty === undefined) continue;
      const read = await this.reader.read(docId);
      throwIfCancelled(signal);
      const segment = read?.segmented.segments[ordinal];
      if (!read || !segment) continue;
      const { document } = read;
      const lines = linesOf.get(docId) ?? splitLines(document.text);
      linesOf.set(docId, lines);
      for (const site of cutSites(form, { lines, ...segment, language: document.language, isQuantity })) {
        const key = `${docId} ${site.startLine}`;
        if (found.has(key)) continue;
        const text = lines.slice(site.startLine - 1, site.endLine).join('\n');
        const words =
          scorer.score({ path, text }, { start: 0, end: text.length, titles: segment.breadcrumb }) - penalty;
        const said = asSentence(segment.breadcrumb.at(-1), text);
        found.set(key, { file: document.file, path, ...site, said, words, score: 0 });
      }
    }
    return [...found.values()];
  }

  private inProse({ question, form, spans }: SiteRequest): Candidate[] {
    const scorer = this.scorer(question);
    return spans.flatMap((span) => {
      const penalty = this.penalty(span.path, question);
      if (span.kind !== 'prose' || penalty === undefined) return [];
      return unitsOf(span.text).flatMap(({ start, end, kind }): Candidate[] => {
        const text = span.text.slice(start, end);
        if (kind === 'code' || !isOfForm(form, text)) return [];
        const before = span.text.slice(0, start).match(/\n/g)?.length ?? 0;
        const startLine = span.startLine + before;
        const endLine = startLine + (text.trimEnd().match(/\n/g)?.length ?? 0);
        const words = scorer.score(span, { start, end, titles: span.breadcrumb }) - penalty;
        return [{ file: span.file, path: span.path, startLine, endLine, said: text, words, score: 0, prose: span }];
      });
    });
  }

  private scorer(question: AnalysedQuestion): PassageScorer {
    const { fields, passages } = this.weights;
    const { segmentIdf } = this.index.search(question.terms, { ...fields, limit: 0, segmentsPerDocument: 0 });
    const termWeights = question.terms.map(({ weight }, i) => weight * (segmentIdf[i] ?? 0));
    return new PassageScorer(question, termWeights, termWeights.reduce((a, b) => a + b, 0) || 1, passages);
  }

  /** Undefined for files whose sites are left out. */
  private penalty(path: string, { intent }: AnalysedQuestion): number | undefined {
    const kind = pathKind(path);
    if ((kind.test && !intent.tests) || (kind.translation && !intent.translations) || kind.lock) return undefined;
    const { example, foreign, tooling } = this.weights.sites;
    return (
      (kind.example && !intent.examples ? example : 0) + (kind.foreign ? foreign : 0) + (kind.tooling ? tooling : 0)
    );
  }
}

const CASE =
  /\b(?:if|when|unless|otherwise|error|fail\w*|throw\w*|rais\w+|reject\w*|return\w*|wenn|falls|si|quand|cuando|se|als)\b|если|когда|場合|如果/i;

function isOfForm(form: SiteForm, text: string): boolean {
  if (form === 'why') return givesReason(text);
  return form === 'value' ? givesNumber(text) || /\bdefault/i.test(text) : CASE.test(text);
}

/** Code as the encoder reads it best: names as words, without marks. */
function asSentence(name: string | undefined, text: string): string {
  const words = text
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\/\/[/!]?|\/\*+|\*+\/?|#+|--|;+|%+)\s?/, '').trim())
    .join(' ')
    .replace(/[\p{L}_$][\p{L}\p{N}_$]*/gu, (word) =>
      /_|\p{Ll}\p{Lu}/u.test(word) ? splitIdentifier(word).join(' ') : word,
    )
    .replace(/[{}()[\];<>|&\\`"']+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return name === undefined ? words : `${splitIdentifier(name).join(' ')}: ${words}`;
}
